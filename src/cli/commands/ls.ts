/** `fsq ls`: a table of jobs, never with their arguments. */
import type { Broker, Counts, ListedState, Sighting } from '../../broker/broker.ts';
import { UsageError } from '../../job/errors.ts';
import { format, suggest } from '../../job/text.ts';
import { span } from '../ages.ts';
import type { Command, Context } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { withSpool } from '../open.ts';
import { wholeNumber } from '../options.ts';
import { jsonText, tableText } from '../output.ts';

const DEFAULT_LIMIT = 20;

/** What `--state` may say, where such jobs lie, and which of those are meant. */
const STATES: Readonly<Record<string, { readonly in: ListedState; readonly isWanted?: (job: Sighting) => boolean }>> = {
  pending: { in: 'pending' },
  delayed: { in: 'delayed' },
  parked: { in: 'delayed', isWanted: ({ record }) => record !== null && record.parked !== null },
  running: { in: 'running' },
  results: { in: 'results' },
  succeeded: { in: 'results', isWanted: ({ state }) => state === 'succeeded' },
  failed: { in: 'results', isWanted: ({ state }) => state === 'failed' },
  revoked: { in: 'results', isWanted: ({ state }) => state === 'revoked' },
  expired: { in: 'results', isWanted: ({ state }) => state === 'expired' },
};

export const ls: Command = {
  name: 'ls',
  summary: 'list jobs',
  usage: 'fsq ls [options]',
  examples: [
    ['fsq ls', 'running jobs, then waiting ones, then the latest results'],
    ['fsq ls --state failed', 'what failed, the latest first'],
    ['fsq ls --state parked --limit 100', 'what waits for a worker that knows its task'],
    ['fsq ls --json --limit 0', 'everything, for programs'],
  ],
  options: {
    state: { type: 'string', short: 's', value: 'STATE', multiple: true, help: Object.keys(STATES).join(', ') },
    limit: { type: 'string', short: 'n', value: 'N', help: `at most so many, 0 for all (default: ${DEFAULT_LIMIT})` },
    json: { type: 'boolean', help: 'print one JSON document: [{ id, task, state, queue, … }]' },
  },
  notes: ['Arguments and values are not shown; `fsq show ID` shows those of one job.'],
  run: runLs,
};

function runLs(context: Context): Promise<number> {
  const { values, stdout, stderr } = context;
  const wanted = values.list('state').map(checkState);
  const limit = wholeNumber(values.text('limit'), 'limit', 0, Number.MAX_SAFE_INTEGER) ?? DEFAULT_LIMIT;
  return withSpool(context, async (broker) => {
    const jobs = await find(broker, wanted, limit === 0 ? Number.POSITIVE_INFINITY : limit);
    const nowMs = Date.now();
    if (values.flag('json')) stdout.write(`${jsonText(jobs.map(listed), 2)}\n`);
    else if (jobs.length === 0) stderr.write('fsq ls: There is no such job.\n');
    else
      stdout.write(
        tableText(
          HEADINGS,
          jobs.map((job) => row(job, nowMs)),
          stdout.columns,
        ),
      );
    if (jobs.length === limit && !values.flag('json')) stderr.write(moreText(limit, await broker.counts()));
    return EXIT.good;
  });
}

function find(broker: Broker, wanted: readonly string[], limit: number): Promise<readonly Sighting[]> {
  const states = wanted.length === 0 ? ['running', 'pending', 'delayed', 'results'] : wanted;
  const places = [...new Set(states.flatMap((state) => STATES[state]?.in ?? []))];
  const isWanted = (job: Sighting): boolean =>
    states.some((state) => {
      const spec = STATES[state];
      return spec !== undefined && placeOf(job) === spec.in && (spec.isWanted?.(job) ?? true);
    });
  return broker.list(places, limit, isWanted);
}

function placeOf({ state }: Sighting): ListedState {
  return state === 'pending' || state === 'delayed' || state === 'running' ? state : 'results';
}

/** @throws UsageError */
function checkState(state: string): string {
  if (Object.hasOwn(STATES, state)) return state;
  const near = suggest(state, Object.keys(STATES));
  const hint = near === null ? '' : `; did you mean ${near}?`;
  throw new UsageError(`Expected --state to be one of ${Object.keys(STATES).join(', ')}, got ${format(state)}${hint}`);
}

/** A job as a listing tells it to programs. */
function listed({
  id,
  state,
  standing,
  dueAtMs,
  startedAtMs,
  endedAtMs,
  owner,
  record,
}: Sighting): Readonly<Record<string, unknown>> {
  const { queue, priority, attempt, crashes } = standing;
  const enqueuedAtMs = record?.job.enqueuedAtMs ?? null;
  const isParked = state === 'delayed' && record !== null && record.parked !== null;
  return {
    id,
    task: record?.job.task ?? null,
    state,
    queue,
    priority,
    attempt,
    crashes,
    isParked,
    enqueuedAtMs,
    dueAtMs,
    startedAtMs,
    endedAtMs,
    owner,
  };
}

const HEADINGS = ['ID', 'TASK', 'STATE', 'QUEUE', 'ATTEMPT', 'WHEN'];

function row(job: Sighting, nowMs: number): readonly string[] {
  const { id, state, standing, record } = job;
  return [id, record?.job.task ?? '(unreadable)', state, standing.queue, String(standing.attempt), when(job, nowMs)];
}

function when({ state, dueAtMs, startedAtMs, endedAtMs, record }: Sighting, nowMs: number): string {
  if (state === 'delayed' && dueAtMs !== null) {
    const due = dueAtMs <= nowMs ? 'due now' : `due in ${span(dueAtMs - nowMs)}`;
    return record !== null && record.parked !== null ? `parked, ${due}` : due;
  }
  if (startedAtMs !== null) return `started ${span(nowMs - startedAtMs)} ago`;
  if (record === null) return '-';
  if (endedAtMs !== null) return `ended ${span(nowMs - endedAtMs)} ago`;
  return `sent ${span(nowMs - record.job.enqueuedAtMs)} ago`;
}

function moreText(limit: number, { running, pending, delayed, results }: Counts): string {
  const total = running + pending + delayed + results;
  if (total <= limit) return '';
  return `fsq ls: ${limit} are shown of ${total} jobs in the spool; --limit shows more, --state fewer.\n`;
}
