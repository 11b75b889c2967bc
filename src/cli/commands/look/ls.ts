/** `fsq ls`: a table of jobs, never with their arguments. */
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { UsageError } from '../../../job/errors.ts';
import { idsAfter } from '../../../job/edges.ts';
import { some, span } from '../../../job/text.ts';
import { type Progress, progressText } from '../../../job/values/progress.ts';
import { tellingIfLong } from '../../bulk.ts';
import { type Command, type Context, wholeNumber } from '../../command.ts';
import { tableText } from '../../display.ts';
import { EXIT } from '../../exit.ts';
import { isParked, STATE_WORDS, stateText } from '../../../app/acting/job-conditions.ts';
import { filterOptions, type JobFilter, readFilter, type StateChoice } from '../../job-filter.ts';
import { withSpool } from '../../lookup.ts';
import { stateColour } from '../../terminal/colour.ts';

const DEFAULT_LIMIT = 20;
/** Ids that are written together. */
const IDS_AT_ONCE = 256;

/** In the order in which they are listed. */
const CHOICE: StateChoice = { known: STATE_WORDS, byDefault: ['running', 'pending', 'delayed', 'results'] };

export const ls: Command = {
  name: 'ls',
  usage: 'fsq ls [options]',
  examples: [
    ['fsq ls', 'running jobs, then waiting ones, then results'],
    ['fsq ls --state failed', 'what failed, the last sent first'],
    ['fsq ls --state failed,expired --task mail --since 1h', 'of one task, and of the last hour'],
    ['fsq ls --state parked --limit 100', 'what waits for a worker that knows its task'],
    ['fsq ls --json --limit 0', 'everything, for programs'],
    ['fsq ls -s running --ids | fsq revoke -', 'ids alone, one in each line'],
  ],
  options: {
    ...filterOptions(CHOICE),
    limit: {
      type: 'string',
      short: 'n',
      value: 'N',
      help: `at most so many, 0 for all (default: ${DEFAULT_LIMIT}, with --ids 0)`,
    },
    ids: { type: 'boolean', help: 'print ids alone, one in each line, as they are found' },
    json: { type: 'boolean', help: 'print one JSON document: [{ id, task, state, queue, … }]' },
  },
  notes: [
    'Jobs that wait come in the order in which they begin, or are due. Results come by when their jobs were sent, the last',
    'sent first, and not by when they ended. Arguments and values are not shown; `fsq show ID` shows those of one job.',
  ],
  run: runLs,
};

function runLs(context: Context): Promise<number> {
  const { values, stdout, tell } = context;
  const filter = readFilter(values, CHOICE, Date.now());
  const isIds = values.flag('ids');
  if (isIds && values.flag('json')) throw new UsageError('Expected --ids or --json, got both');
  const most = wholeNumber(values.text('limit'), 'limit', 0, Number.MAX_SAFE_INTEGER) ?? (isIds ? 0 : DEFAULT_LIMIT);
  const limit = most === 0 ? Number.POSITIVE_INFINITY : most;
  return withSpool(context, async (broker) => {
    if (isIds) return printIds(context, broker, filter, limit);
    const jobs = await broker.list(filter.places, limit, tellingIfLong(context, filter), filter.mayBeWanted);
    const nowMs = Date.now();
    const [headings = [], ...plain] = table(jobs, nowMs);
    const rows = plain.map((row) => row.map((text, i) => ({ text, colour: i === STATE ? stateColour(text) : null })));
    context.print(jobs.map(listed), () => (rows.length === 0 ? '' : tableText(headings, rows, stdout)));
    if (values.flag('json')) return EXIT.good;
    if (jobs.length === 0) tell('There is no such job.');
    if (jobs.length === limit) await tellMore(broker, filter, limit, tell);
    return EXIT.good;
  });
}

/** Written as they are found, and not kept: there may be a million. */
async function printIds(context: Context, broker: Broker, filter: JobFilter, limit: number): Promise<number> {
  const { stdout, tell } = context;
  const isWanted = tellingIfLong(context, filter);
  let [count, lines] = [0, ''];
  const flush = (): void => {
    stdout.write(lines);
    lines = '';
  };
  const print = (job: Sighting): boolean => {
    if (!isWanted(job)) return false;
    count++;
    lines += `${job.id}\n`;
    if (count % IDS_AT_ONCE === 0) flush();
    return Number.isFinite(limit);
  };
  await broker.list(filter.places, limit, print, (job) => !stdout.isClosed && filter.mayBeWanted(job));
  if (lines !== '') flush();
  if (count === 0) tell('There is no such job.');
  return EXIT.good;
}

/** A job as a listing tells it to programs. */
function listed({ record, ...job }: Sighting): Readonly<Record<string, unknown>> {
  const { id, state, dueAtMs, startedAtMs, endedAtMs, owner, waitsFor = null } = job;
  const { queue, priority, attempt, crashes } = job.standing;
  const standing = { queue, priority, attempt, crashes, isParked: isParked({ state, record }) };
  const after = record === null ? [] : idsAfter(record.job.options);
  const times = { enqueuedAtMs: record?.job.enqueuedAtMs ?? null, dueAtMs, startedAtMs, endedAtMs };
  return {
    id,
    task: record?.job.task ?? null,
    state,
    ...standing,
    ...times,
    after,
    waitsFor,
    progress: withoutDetail(job),
    owner,
  };
}

/** A detail may be as secret as an argument, and as long. */
function withoutDetail({ progress }: Pick<Sighting, 'progress'>): Omit<Progress, 'detail'> | null {
  if (progress === null) return null;
  const { detail: _, ...rest } = progress;
  return rest;
}

/** The column of it. */
const STATE = 2;

/** A line of headings, and one for each job. How far they are has a column while any of them has told it. */
function table(jobs: readonly Sighting[], nowMs: number): readonly (readonly string[])[] {
  const hasProgress = jobs.some(({ progress }) => progress !== null);
  const row = (cells: readonly string[], progress: string, last: string): readonly string[] =>
    hasProgress ? [...cells, progress, last] : [...cells, last];
  return [
    row(['ID', 'TASK', 'STATE', 'QUEUE', 'ATTEMPT'], 'PROGRESS', 'WHEN'),
    ...jobs.map((job) => {
      const { id, standing, record, progress } = job;
      const cells = [id, record?.job.task ?? '(unreadable)', stateText(job), standing.queue, String(standing.attempt)];
      return row(cells, progress === null ? '-' : progressText(progress), when(job, nowMs));
    }),
  ];
}

function when({ state, dueAtMs, startedAtMs, endedAtMs, record, waitsFor }: Sighting, nowMs: number): string {
  if (state === 'delayed' && dueAtMs !== null) {
    const what = isParked({ state, record }) ? 'tried again' : 'due';
    return dueAtMs <= nowMs ? `${what} now` : `${what} in ${span(dueAtMs - nowMs)}`;
  }
  const after = record === null ? [] : idsAfter(record.job.options);
  if (state === 'delayed' && after.length > 0)
    return `waits for ${after.length === 1 ? after.join() : `${some(after.length, 'job')}, ${waitsFor?.ended ?? 0} ended`}`;
  if (startedAtMs !== null) return `started ${span(nowMs - startedAtMs)} ago`;
  if (record === null) return '-';
  if (endedAtMs !== null) return `ended ${span(nowMs - endedAtMs)} ago`;
  return `sent ${span(nowMs - record.job.enqueuedAtMs)} ago`;
}

async function tellMore(broker: Broker, { given }: JobFilter, limit: number, tell: Context['tell']): Promise<void> {
  // How many others the filter wants is not known: they were not read.
  if (given.length > 0) return tell(`${limit} are shown, and there may be more: --limit 0 shows all.`);
  const { running, pending, delayed, results } = await broker.counts();
  const total = running + pending + delayed + results;
  if (total > limit) tell(`${limit} are shown of ${total} jobs in the spool; --limit shows more, --state fewer.`);
}
