/**
 * A job's texts in BullMQ: its data is the base of a job, as JSON, which its producer writes once; its tail is what became of it. Both
 * together are the text that job/document.ts reads. A job that another program has added has any data. Pure.
 */
import { encodeBase, parseDocument } from '../../job/document.ts';
import { FsqError } from '../../job/errors.ts';
import { failureOf } from '../../job/failure.ts';
import type { Settlement } from '../../job/lifecycle.ts';
import type { Attempt, JobRecord, Kept, Outcome } from '../../job/job.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { isRecord, reasonOf } from '../../job/values/realm.ts';
import { TAIL_MARK } from '../../job/tail.ts';
import type { NewJob } from '../../broker/new-job.ts';
import type { RawJob } from '../store.ts';

/** What a job's claims have come to, before its tail. */
export interface Counters {
  /** Runs that were begun and are over. */
  readonly attempt: number;
  /** Of these, how many ended with the death of their process. */
  readonly crashes: number;
  /** How many of the times that its lock ran out are among them. */
  readonly stalls: number;
}

export const NO_RUNS: Counters = { attempt: 0, crashes: 0, stalls: 0 };

export function dataOf({ job }: Pick<NewJob, 'job'>): string {
  return encodeBase(job);
}

/** @param tail as `encodeTail` gives it; '' where there is nothing but counters */
export function tailOf({ attempt, crashes, stalls }: Counters, tail: string): string {
  return `${attempt} ${crashes} ${stalls}${tail}`;
}

export function countersOf({ tail }: Pick<RawJob, 'tail'>): Counters {
  const [attempt = 0, crashes = 0, stalls = 0] = (/^[0-9]+ [0-9]+ [0-9]+/.exec(tail ?? '')?.[0] ?? '')
    .split(' ')
    .map(Number);
  return { attempt, crashes, stalls };
}

/**
 * All that is known of a job.
 *
 * @throws CorruptJobError saying why its data is no job
 */
export function recordOf(raw: RawJob): JobRecord {
  const { record } = parseDocument(textOf(raw), raw.id);
  return { ...record, outcome: outcomeOf(raw, record), attempts: attemptsOf(raw, record), kept: keptOf(raw, record) };
}

/** What is known of a job whose data is none. */
export function unreadableRecord({ id, name, timestamp }: RawJob): JobRecord {
  const job = { id, task: name, args: [], enqueuedAtMs: timestamp, options: {}, headers: {} };
  return { job, attempts: [], outcome: null, parked: null, kept: {} };
}

/** How it ends, whoever comes upon it. @param error of `recordOf` */
export function unreadableEnd(id: string, error: unknown): Extract<Settlement, { kind: 'publish' }> {
  const reason = `Job ${id} cannot be read: ${reasonOf(error)}.`;
  const told = failureOf(new FsqError('FSQ_CORRUPT_JOB', reason));
  return { kind: 'publish', outcome: { state: 'failed', error: told } };
}

function textOf(raw: RawJob): string {
  const { data, tail } = raw;
  const base = data.endsWith('\n}') && data.startsWith('{"v":1,') ? data : rewritten(raw);
  const mark = tail?.indexOf(TAIL_MARK) ?? -1;
  return mark === -1 ? base : `${base.slice(0, -2)}${tail?.slice(mark) ?? ''}`;
}

/**
 * The base as fsq writes it, of data in another form: PostgreSQL keeps JSON its own way, and another program may have added the job. Then
 * its name is the task, and `args` of its data, or else the data itself, are the arguments.
 */
function rewritten({ id, name, data, timestamp }: RawJob): string {
  const parsed = parse(data);
  const own = isRecord(parsed) && Array.isArray(parsed['args']) ? parsed : { args: [parsed] };
  const {
    v = 1,
    task = name,
    args,
    enqueuedAtMs = timestamp,
    options = {},
    headers = {},
  } = own as Readonly<Record<string, unknown>>;
  return `${JSON.stringify({ v, id, task, args, enqueuedAtMs, options, headers }).slice(0, -1)}\n}`;
}

/** BullMQ knows how a job ended; why, its tail says, unless another program's worker ended it. */
function outcomeOf(raw: RawJob, { outcome }: JobRecord): Outcome | null {
  if (raw.state === 'completed') return { state: 'succeeded', value: valueOf(raw) };
  if (raw.state !== 'failed') return null;
  if (outcome !== null && outcome.state !== 'succeeded') return outcome;
  const stack = firstOf(raw.stacktrace);
  const name = /^([A-Za-z_$][\w$]*)(?:: |\n|$)/.exec(stack ?? '')?.[1] ?? 'Error';
  return {
    state: 'failed',
    error: { name, message: raw.failedReason ?? '', ...(stack === null ? {} : { stack }) },
  };
}

/** JSON has no undefined: the tail says that a task gave none. */
const NO_VALUE = ',"noValue":true}';

/** The tail of a success: its value is where BullMQ has it. */
export function withoutValue(tail: string): string {
  return `${tail.slice(0, -1)}${NO_VALUE}`;
}

function valueOf({ returnvalue, tail }: RawJob): JsonValue | undefined {
  if (returnvalue === null || tail?.endsWith(NO_VALUE) === true) return undefined;
  return parse(returnvalue) as JsonValue; // JSON.parse made it.
}

/** Of a job that another program's worker ran, BullMQ's times say what is known. */
function attemptsOf(raw: RawJob, { attempts, outcome }: JobRecord): readonly Attempt[] {
  const { state, finishedOn, processedOn, processedBy } = raw;
  const isTold = (state === 'completed' || state === 'failed') && outcome === null && finishedOn !== null;
  if (!isTold) return attempts;
  const attempt = countersOf(raw).attempt + 1;
  const times = { ...(processedOn === null ? {} : { startedAtMs: processedOn }), endedAtMs: finishedOn };
  return [...attempts, { attempt, ...times, owner: processedBy ?? 'another-program' }];
}

function keptOf({ queue, priority, finishedOn }: RawJob, { kept, outcome }: JobRecord): Kept {
  if (finishedOn === null) return kept;
  return { ...kept, queue, priority: Math.min(priority, 9), ...(outcome === null ? { endedAtMs: finishedOn } : {}) };
}

function firstOf(stacktrace: string | null): string | null {
  const parsed = parse(stacktrace ?? 'null');
  const last: unknown = Array.isArray(parsed) ? parsed.at(-1) : null;
  return typeof last === 'string' ? last : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
