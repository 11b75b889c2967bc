/** `fsq events`: what happens to all jobs of a spool, a line for each event. */
import { type SpoolEvent, spoolEvents } from '../../../app/following/spool-events.ts';
import type { Sighting } from '../../../broker/broker.ts';
import { refuse } from '../../../job/errors.ts';
import { checkQueue, checkTaskName } from '../../../job/names.ts';
import { didYouMean, escape, jsonText } from '../../../job/text.ts';
import { type Command, type Context, someTime, type Values } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';
import { eventDetail, eventTime } from './event-detail.ts';

const KINDS: readonly SpoolEvent['kind'][] = [
  'accepted',
  'started',
  'progress',
  'log',
  'retried',
  'sent-back',
  'recovered',
  'parked',
  'succeeded',
  'failed',
  'revoked',
  'expired',
];

export const events: Command = {
  name: 'events',
  usage: 'fsq events [options]',
  examples: [
    ['fsq events', 'what happened to the jobs that are there, in the order of time'],
    ['fsq events -f', 'what happens from now on, until Ctrl-C'],
    ['fsq events -f --since 10m', 'the last ten minutes too'],
    ['fsq events -f --json --kind failed,expired --task mail', 'for programs: a JSON object in each line'],
  ],
  options: {
    follow: { type: 'boolean', short: 'f', help: 'tell what happens from now on' },
    task: { type: 'string', value: 'TASKS', multiple: true, help: 'only jobs of these tasks' },
    queue: { type: 'string', short: 'Q', value: 'QUEUES', multiple: true, help: 'only jobs of these queues' },
    kind: { type: 'string', short: 'k', value: 'KINDS', among: KINDS, multiple: true, help: KINDS.join(', ') },
    since: {
      type: 'string',
      value: 'TIME',
      help: 'what happened within the last 30m, 2h, 1d; with -f also what follows',
    },
    json: { type: 'boolean', help: 'print a JSON object for each event: { atMs, kind, id, task, queue, … }' },
  },
  notes: [
    'Arguments, values and details are not shown; `fsq show ID` shows those of one job. With -f no outcome is left out,',
    'and of what lies between many steps in a moment all that the job keeps. It only reads: workers do not notice.',
  ],
  run: runEvents,
};

function runEvents(context: Context): Promise<number> {
  const { values, stdout, tell } = context;
  const kinds = new Set(values.names('kind').map(checkKind));
  const isWanted = wanted(values);
  const follow = values.flag('follow');
  const ageMs = someTime(values.text('since'), 'since');
  const shown = values.flag('json') ? jsonText : lineOf;
  return withSpool(context, async (broker) => {
    const sinceMs = ageMs === undefined ? (follow ? null : 0) : Date.now() - ageMs;
    const onCaughtUp = (): void => tell(follow ? `Follows ${broker.place} from now on; Ctrl-C ends it.` : null);
    for await (const event of spoolEvents(broker, { sinceMs, follow, isWanted, onCaughtUp })) {
      if (kinds.size > 0 && !kinds.has(event.kind)) continue;
      stdout.write(`${shown(event)}\n`);
      if (stdout.isClosed) break;
    }
    return EXIT.good;
  });
}

/** @throws UsageError */
function wanted(values: Values): (job: Sighting) => boolean {
  const tasks = new Set(values.names('task').map(checkTaskName));
  const queues = new Set(values.names('queue').map(checkQueue));
  return ({ record, standing }) =>
    (tasks.size === 0 || (record !== null && tasks.has(record.job.task))) &&
    (queues.size === 0 || queues.has(standing.queue));
}

/** @throws UsageError */
function checkKind(kind: string): string {
  const known: readonly string[] = KINDS;
  return known.includes(kind) ? kind : refuse('--kind', `one of ${known.join(', ')}`, kind, didYouMean(kind, known));
}

function lineOf(event: SpoolEvent): string {
  const { kind, id, task } = event;
  const parts = [eventTime(event), kind.padEnd(9), id, task ?? '(unreadable)', eventDetail(event)];
  return escape(parts.filter((part) => part !== '').join(' '));
}
