/** `fsq purge`: revokes jobs that wait and forgets outcomes, many at once, and asks before it does. */
import type { Broker, ListedState, Sighting } from '../../../broker/broker.ts';
import { refuse, UsageError } from '../../../job/errors.ts';
import { didYouMean, format, some } from '../../../job/text.ts';
import { checkQueue, checkTaskName } from '../../../job/names.ts';
import type { Command, Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';

/** Where jobs of each state lie. */
const PLACES: Readonly<Record<string, ListedState>> = {
  pending: 'pending',
  delayed: 'delayed',
  succeeded: 'results',
  failed: 'results',
  revoked: 'results',
  expired: 'results',
};
const WAITING = ['pending', 'delayed'];
/** Jobs that are dealt with in one call: so that a large purge shows its effect, and can be interrupted. */
const AT_ONCE = 1_000;

export const purge: Command = {
  name: 'purge',
  summary: 'revoke jobs that wait, or forget outcomes; asks before it does',
  usage: 'fsq purge [options]',
  examples: [
    ['fsq purge', 'revoke all jobs that wait, after a question'],
    ['fsq purge --queue mail --yes', 'those of one queue, without a question'],
    ['fsq purge --state failed --task report --dry-run', 'count the outcomes that would be forgotten'],
  ],
  args: { least: 0, most: Number.MAX_SAFE_INTEGER },
  options: {
    state: {
      type: 'string',
      short: 's',
      value: 'STATE',
      multiple: true,
      help: `${Object.keys(PLACES).join(', ')} (default: ${WAITING.join(', ')})`,
    },
    queue: { type: 'string', short: 'Q', value: 'NAMES', multiple: true, help: 'of these queues only' },
    task: { type: 'string', value: 'NAMES', multiple: true, help: 'of these tasks only' },
    yes: { type: 'boolean', short: 'y', help: 'do not ask; needed where nobody can be asked' },
    'dry-run': { type: 'boolean', help: 'change nothing, only count' },
    json: { type: 'boolean', help: 'print one JSON document: { dryRun, revoked, forgotten, left }' },
  },
  notes: [
    'A job that waits ends as `revoked`, so that whoever waits for it hears of it, and its outcome is kept as others are. An outcome is',
    'forgotten at once. Jobs that run are not touched: `fsq revoke` ends them. Exits 1 when some were left: they began to run',
    'meanwhile, or were sent back.',
  ],
  run: runPurge,
};

interface Found {
  readonly waiting: readonly string[];
  readonly ended: readonly string[];
}

async function runPurge(context: Context): Promise<number> {
  const { values } = context;
  const { places, isWanted } = filterOf(context);
  const isDryRun = values.flag('dry-run');
  return withSpool(context, async (broker) => {
    const found = await find(broker, places, isWanted);
    if (!isDryRun && !(await mayPurge(context, broker.place, found))) return EXIT.usage;
    const done = isDryRun
      ? { revoked: found.waiting.length, forgotten: found.ended.length, left: 0 }
      : await act(broker, found);
    context.print({ dryRun: isDryRun, ...done }, () => {
      const would = isDryRun ? 'would be ' : '';
      const left = done.left === 0 ? '' : `${some(done.left, 'job')} left: they run, or were sent back\n`;
      return `${some(done.revoked, 'job')} ${would}revoked, ${some(done.forgotten, 'outcome')} ${would}forgotten\n${left}`;
    });
    return done.left === 0 ? EXIT.good : EXIT.jobFailed;
  });
}

/** @throws UsageError */
function filterOf({ values, args: [extra] }: Context): {
  readonly places: readonly ListedState[];
  readonly isWanted: (job: Sighting) => boolean;
} {
  if (extra !== undefined) {
    const hint = '`fsq revoke ID` ends one job; --queue NAME and --task NAME choose those of a queue and of a task';
    throw new UsageError(
      `Expected options only, got ${format(extra)}: fsq purge takes all jobs that they choose. ${hint}`,
    );
  }
  const states = values.names('state').map(checkState);
  const queues = values.names('queue').map(checkQueue);
  const tasks = values.names('task').map(checkTaskName);
  const wanted = states.length === 0 ? WAITING : states;
  const isWanted = ({ state, standing, record }: Sighting): boolean =>
    wanted.includes(state) &&
    (queues.length === 0 || queues.includes(standing.queue)) &&
    (tasks.length === 0 || (record !== null && tasks.includes(record.job.task)));
  return { places: [...new Set(wanted.flatMap((state) => PLACES[state] ?? []))], isWanted };
}

/** @throws UsageError */
function checkState(state: string): string {
  if (Object.hasOwn(PLACES, state)) return state;
  if (state === 'running') throw new UsageError('Jobs that run are not purged: `fsq revoke ID` ends one');
  const known = Object.keys(PLACES);
  return refuse('--state', `one of ${known.join(', ')}`, state, didYouMean(state, known));
}

/** Only ids are kept: there may be a million jobs. */
async function find(
  broker: Broker,
  places: readonly ListedState[],
  isWanted: (job: Sighting) => boolean,
): Promise<Found> {
  const waiting: string[] = [];
  const ended: string[] = [];
  await broker.list(places, Number.POSITIVE_INFINITY, (job) => {
    if (isWanted(job)) (WAITING.includes(job.state) ? waiting : ended).push(job.id);
    return false;
  });
  return { waiting, ended };
}

/** @throws UsageError where nobody can be asked */
async function mayPurge(context: Context, place: string, { waiting, ended }: Found): Promise<boolean> {
  if (context.values.flag('yes') || waiting.length + ended.length === 0) return true;
  const what = [
    ...(waiting.length === 0 ? [] : [`revoke ${some(waiting.length, 'job')}`]),
    ...(ended.length === 0 ? [] : [`forget ${some(ended.length, 'outcome')}`]),
  ].join(' and ');
  if (context.stdin.isTTY !== true)
    throw new UsageError(`Expected --yes to ${what} of ${place}: nobody can be asked here. --dry-run only counts`);
  context.stderr.write(`${what} of ${place}? [y/N] `);
  for await (const chunk of context.stdin) {
    if (/^\s*y(?:es)?\s*$/i.test(String(chunk))) return true;
    break;
  }
  context.tell('Nothing was changed.');
  return false;
}

async function act(
  broker: Broker,
  { waiting, ended }: Found,
): Promise<{ revoked: number; forgotten: number; left: number }> {
  let revoked = 0;
  let forgotten = 0;
  for (let from = 0; from < waiting.length; from += AT_ONCE)
    for (const revocation of (await broker.revoke(waiting.slice(from, from + AT_ONCE))).values())
      if (revocation === 'revoked') revoked++;
  for (let from = 0; from < ended.length; from += AT_ONCE)
    for (const forgetting of (await broker.forget(ended.slice(from, from + AT_ONCE))).values())
      if (forgetting === 'forgotten') forgotten++;
  return { revoked, forgotten, left: waiting.length + ended.length - revoked - forgotten };
}
