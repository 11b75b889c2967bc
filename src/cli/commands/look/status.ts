/** `fsq status`: what waits, what runs, what is wrong and what to do about it. */
import { unserved } from '../../../app/telling/health.ts';
import {
  longestWaitMs,
  PARKED_AT_MOST_MS,
  parkedAmongReady,
  recentFailures,
} from '../../../app/telling/health-facts.ts';
import type { Broker } from '../../../broker/broker.ts';
import { UsageError } from '../../../job/errors.ts';
import { type Command, type Context, someTime, spoolOption, withSpoolOption } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { withSpool } from '../../lookup.ts';
import { painter } from '../../terminal/colour.ts';
import { reportOf, type StatusFacts, type StatusReport } from './status-report.ts';
import { statusText } from './status-text.ts';

/** How many delayed jobs are read to find parked ones, and running ones for their start: a listing of names tells the rest. */
const MAX_READ = 1_000;
/** Of more outcomes than this the last ones are not looked for where no worker has counted any: their names have to be sorted for it. */
const MOST_SORTED = 20_000;
const WATCH_EVERY = '2s';

export const status: Command = {
  name: 'status',
  summary: 'what waits, what runs, what is wrong and what to do about it',
  usage: 'fsq status [options]',
  examples: [
    ['fsq status', 'of the spool of this project'],
    ['fsq status --watch', 'again and again, in place, until Ctrl-C'],
    ['fsq status --spool /var/spool/shop', 'of another one'],
    ['fsq status --json', 'for programs: verdict, jobs, queues, workers, tasks, parked, advice …'],
  ],
  options: {
    watch: {
      type: 'boolean',
      short: 'w',
      help: `look again every ${WATCH_EVERY}; off a terminal a line for each change of the verdict`,
    },
    every: { type: 'string', value: 'TIME', help: `with --watch: how often (default: ${WATCH_EVERY})` },
    json: { type: 'boolean', help: 'print one JSON document; with --watch one in each line' },
  },
  notes: [
    'The first line is the verdict: OK, or WARNING or CRITICAL and what is wrong, the worst first. The rules are those of `fsq check`, which exits by',
    'them; here a job that waits for a minute, and one that failed within ten, is worth a warning.',
    'Exits 0 also when something is wrong; `verdict.status` of --json is "ok" when nothing is, and `advice` is empty.',
  ],
  run: runStatus,
};

async function runStatus(context: Context): Promise<number> {
  const { values, stdout } = context;
  const everyMs = someTime(values.text('every') ?? WATCH_EVERY, 'every') ?? 0;
  if (!values.flag('watch') && values.text('every') !== undefined)
    throw new UsageError('Expected --watch beside --every');
  const use = async (broker: Broker): Promise<number> => {
    const look = async (): Promise<StatusReport> => reportFor(context, await factsOf(broker));
    if (values.flag('watch')) return (await import('./watch-status.ts')).watchStatus(context, everyMs, look);
    const report = await look();
    context.print(report, () => statusText(report, Date.now(), painter(stdout.hasColours)));
    return EXIT.good;
  };
  return withSpool(context, use, { looksAtOnce: true });
}

function reportFor({ values }: Context, facts: StatusFacts): StatusReport {
  const report = reportOf(facts);
  const option = spoolOption(values);
  return { ...report, advice: report.advice.map((text) => withSpoolOption(text, option)) };
}

/** All that a verdict, figures and advice are made of. */
export async function factsOf(broker: Broker): Promise<StatusFacts> {
  const nowMs = Date.now();
  const restoring = await broker.restoring();
  const backlog = await broker.backlog();
  const [counts, owners, paused, statistics, room] = await Promise.all([
    broker.counts(backlog),
    broker.owners(),
    broker.paused(),
    broker.statistics(),
    broker.room(),
  ]);
  // What is due later is neither late nor parked.
  const isSoon = ({ dueAtMs }: { readonly dueAtMs: number | null }): true | 'no more' =>
    (dueAtMs !== null && dueAtMs <= nowMs + PARKED_AT_MOST_MS) || 'no more';
  const delayed = counts.delayed === 0 ? [] : await broker.list(['delayed'], MAX_READ, undefined, isSoon);
  const isCounted = (queue: string): boolean => !paused.includes(queue);
  const queues = Object.entries(backlog.queues).map(([queue, jobs]) => ({ queue, jobs }));
  const left = unserved(queues, owners).map(({ queue }) => queue);
  return {
    place: broker.place,
    nowMs,
    restoring,
    counts,
    backlog,
    longestWaitMs: counts.pending === 0 ? 0 : await longestWaitMs(broker, nowMs, isCounted, backlog.oldest ?? null),
    owners,
    paused,
    statistics,
    failed: await recentFailures(broker, statistics, nowMs, counts.results <= MOST_SORTED),
    room,
    running: await broker.list(['running'], MAX_READ),
    delayed,
    parkedReady: await parkedAmongReady(broker, left.filter(isCounted)),
    isAllRead: delayed.length < MAX_READ,
  };
}
