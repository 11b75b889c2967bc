/** `fsq history`: all that happened to one job, as events in the order of time. */
import { jobEvents } from '../../../app/following/events.ts';
import { NewLines } from '../../../app/following/log-reader.ts';
import { lean } from '../../../app/following/spool-events.ts';
import { type JobEvent, Story } from '../../../app/following/story.ts';
import type { Broker } from '../../../broker/broker.ts';
import { UnknownJobError } from '../../../job/errors.ts';
import { beginning, escape, jsonText, some, span } from '../../../job/text.ts';
import type { Command, Context } from '../../command.ts';
import { timeText } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { jobId, withSpool } from '../../lookup.ts';
import { eventDetail, eventTime } from './event-detail.ts';

/** Of lines that were printed one after the other so many are shown; then a mark says how many follow. */
const SHOWN_LINES = 2;
/** Longest value that is shown, characters. */
const MOST_VALUE = 200;

export const history: Command = {
  name: 'history',
  usage: 'fsq history ID [options]',
  examples: [
    ['fsq history 0199f3c2', 'the beginning of an id is enough'],
    ['fsq history 0199f3c2 -f', 'go on until it has ended'],
    ['fsq history 0199f3c2 --json', 'for programs: a JSON object in each line, with every line of the log'],
  ],
  args: { least: 1, most: 1 },
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on until the job has ended' },
    json: { type: 'boolean', help: 'print a JSON object for each event, as result.events() gives them' },
  },
  notes: [
    'The oldest comes first: accepted, started, progress, log, retried, recovered, sent-back, parked, and the end. `fsq show ID`',
    'has a timeline in place of events, which says how long the job waited and ran; it has no progress in it and no log.',
    'Of progress only the last report is kept; ? stands where the time of an event is not. Exits 0 whatever became of the job, 3 when there is none.',
  ],
  run: runHistory,
};

function runHistory(context: Context): Promise<number> {
  const { values, args, stdout } = context;
  return withSpool(context, async (broker) => {
    const id = await jobId(broker, args[0] ?? '');
    const events = values.flag('follow')
      ? jobEvents({ id, source: async () => broker, isSurelyThere: false }, {})
      : soFar(broker, id);
    const lines = values.flag('json') ? jsonLines(events) : textLines(events, id);
    for await (const line of lines) {
      stdout.write(`${line}\n`);
      if (stdout.isClosed) break;
    }
    return EXIT.good;
  });
}

/** By one look. @throws UnknownJobError */
async function* soFar(broker: Broker, id: string): AsyncGenerator<JobEvent> {
  const job = await broker.find(id);
  if (job === null) throw new UnknownJobError(id, broker.place);
  const log = new NewLines(broker, id);
  await log.read();
  yield* new Story().tell(job, log.take(Number.POSITIVE_INFINITY), Date.now());
}

async function* jsonLines(events: AsyncIterable<JobEvent>): AsyncGenerator<string> {
  for await (const event of events) yield jsonText(event);
}

/** @param id for the command that shows what is folded here */
async function* textLines(events: AsyncIterable<JobEvent>, id: string): AsyncGenerator<string> {
  let printed = 0;
  let firstAtMs: number | null = null;
  const mark = (): readonly string[] => {
    const more = printed - SHOWN_LINES;
    printed = 0;
    return more > 0
      ? [`${' '.repeat(timeText(0).length)}          and ${some(more, 'more line')}: \`fsq logs ${id}\``]
      : [];
  };
  for await (const event of events) {
    firstAtMs ??= event.atMs;
    if (event.kind === 'log' && ++printed > SHOWN_LINES) continue;
    if (event.kind !== 'log') yield* mark();
    const later = event.isTimeUnknown === true ? '' : `+${span(event.atMs - firstAtMs)}`;
    yield `${eventTime(event)} ${later.padStart(7)}  ${escape(`${event.kind.padEnd(9)} ${detailOf(event)}`.trimEnd())}`;
  }
  yield* mark();
}

function detailOf(event: JobEvent): string {
  const queue = event.kind === 'accepted' ? event.queue : '';
  if (event.kind !== 'succeeded')
    return `${event.kind === 'accepted' ? `${event.task} ` : ''}${eventDetail({ queue, ...lean(event) })}`;
  const value = jsonText(event.value ?? null);
  return value.length <= MOST_VALUE ? value : `${beginning(value, MOST_VALUE)}… (\`fsq get ${event.id}\`)`;
}
