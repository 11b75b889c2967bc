/** What happened to a job, as events: worked out from looks at it, each of which may have missed much. Pure. */
import type { Known, Sighting } from '../../broker/broker.ts';
import type { Failure } from '../../job/errors.ts';
import type { Attempt, JobRecord } from '../../job/job.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { LogLine } from '../../job/values/log-lines.ts';
import { type PastRun, pastRuns } from './past-runs.ts';

interface About {
  /** The job's. */
  readonly id: string;
  /** When it happened, Unix ms. */
  readonly atMs: number;
  /** When is not kept: `atMs` says no more than between which others it happened. */
  readonly isTimeUnknown?: true;
}

/** Something that happened to a job. The last of a job is how it ended; one that was sent back has an end before that, too. */
export type JobEvent = About &
  (
    | { readonly kind: 'accepted'; readonly task: string; readonly queue: string }
    | { readonly kind: 'started'; readonly attempt: number; readonly owner: string }
    | {
        readonly kind: 'progress';
        readonly attempt: number;
        readonly value: number;
        readonly done?: number;
        readonly total?: number;
        readonly detail?: JsonValue;
      }
    | { readonly kind: 'log'; readonly stream: LogLine['stream']; readonly text: string }
    /** The attempt failed, and another follows. */
    | { readonly kind: 'retried'; readonly attempt: number; readonly error: Failure }
    /** The job had ended with this attempt, and was sent back to run again: `retry()`. When that was is not kept. */
    | { readonly kind: 'sent-back'; readonly attempt: number; readonly error?: Failure }
    /** The process of the attempt died, or was stopped, and another attempt follows. */
    | { readonly kind: 'recovered'; readonly attempt: number; readonly error?: Failure }
    /** No worker knows its task: it waits for one. */
    | { readonly kind: 'parked'; readonly reason: string }
    | { readonly kind: 'succeeded'; readonly value: JsonValue | undefined }
    | { readonly kind: 'failed' | 'revoked' | 'expired'; readonly error: Failure }
  );

/** Tells each thing once. */
export class Story {
  readonly #before: Known | null;
  readonly #sinceMs: number;
  /** Of what has been told: each kind of thing with what makes it unlike others of its kind. */
  readonly #told = new Set<string>();
  /** A look shows the last only, so no earlier one comes again; a long run has thousands. */
  #lastProgress = '';
  /** When the run began that was told last. Another clock dates it than its end, and that may be a millisecond ahead. */
  #begunAtMs = 0;
  /** Of what has been told of its runs; null: nothing. */
  #lastAtMs: number | null = null;
  /** Lines that wait for the look that tells of their runs. */
  #held: readonly LogLine[] = [];
  #isOver = false;

  /**
   * @param before what is known of the job already, and not told: null for all that happened to it
   * @param sinceMs what was said or put off before is not told, Unix ms
   */
  constructor(before: Known | null = null, sinceMs: number = Number.NEGATIVE_INFINITY) {
    this.#before = before;
    this.#sinceMs = sinceMs;
    if (before !== null) this.#told.add('accepted');
  }

  /** True once there is more to remember than that the job is there. */
  get hasBegun(): boolean {
    return this.#told.size > 1 || this.#lastProgress !== '';
  }

  /** True once it has told how the job ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** What is news, in the order in which it happened. @param lines of the log that were not given before */
  tell(sighting: Sighting, lines: readonly LogLine[], nowMs: number): readonly JobEvent[] {
    const { id, record } = sighting;
    const news = [...this.#held, ...lines.filter(({ atMs }) => atMs >= this.#sinceMs)];
    // The runs of which these speak are told by the next look.
    const isHeld = sighting.isTorn === true && record?.outcome === null;
    this.#held = isHeld ? news : [];
    if (isHeld) return this.#beginning(sighting);
    const said: JobEvent[] = news.map(({ atMs, stream, text }) => ({ id, atMs, kind: 'log', stream, text }));
    // The lines stay in the order in which they were kept.
    for (const progress of this.#progress(sighting)) {
      const behind = said.findIndex(({ atMs }) => atMs > progress.atMs);
      said.splice(behind === -1 ? said.length : behind, 0, progress);
    }
    return [...this.#beginning(sighting), ...merged(this.#runs(sighting, nowMs), said), ...this.#end(sighting, nowMs)];
  }

  #beginning({ id, record, standing: { queue } }: Sighting): readonly JobEvent[] {
    if (record === null || !this.#isNews('accepted')) return [];
    this.#lastAtMs = record.job.enqueuedAtMs;
    return [{ id, atMs: record.job.enqueuedAtMs, kind: 'accepted', task: record.job.task, queue }];
  }

  #progress({ id, progress, record, standing }: Sighting): readonly JobEvent[] {
    // That of a run which the look did not see: the next one tells it.
    const isEarly = progress !== null && record?.outcome === null && progress.attempt > standing.attempt;
    if (progress === null || isEarly || progress.atMs < this.#sinceMs) return [];
    const mark = `${progress.atMs} ${progress.attempt} ${progress.value}`;
    if (mark === this.#lastProgress) return [];
    this.#lastProgress = mark;
    return [{ id, kind: 'progress', ...progress }];
  }

  #runs(sighting: Sighting, nowMs: number): readonly JobEvent[] {
    const { id, record, state, standing, startedAtMs, owner } = sighting;
    const past = pastRuns(sighting);
    const events = past.flatMap((one, i) => {
      const nextAtMs = begunAfter(past, i) ?? startedAtMs ?? sighting.endedAtMs ?? nowMs;
      return one.kind === 'kept'
        ? this.#run(id, one.run, { record, nextAtMs })
        : this.#withoutRecord(id, one, nextAtMs);
    });
    const { attempt } = standing;
    if (state === 'running' && owner !== null && this.#isStart(attempt))
      events.push({ id, ...this.#begin(startedAtMs, nowMs), kind: 'started', attempt, owner });
    const parked = record?.outcome === null ? record.parked : null;
    if (parked !== null && parked.sinceMs >= this.#sinceMs && this.#isNews(`parked ${parked.sinceMs}`))
      events.push({ id, atMs: parked.sinceMs, kind: 'parked', reason: parked.reason });
    return events;
  }

  /** @param nextAtMs when at the latest the next one began */
  #run(
    id: string,
    { attempt, startedAtMs, endedAtMs, owner, error }: Attempt,
    { record, nextAtMs }: { readonly record: JobRecord | null; readonly nextAtMs: number },
  ): readonly JobEvent[] {
    const events: JobEvent[] = [];
    if (this.#isStart(attempt))
      events.push({ id, ...this.#begin(startedAtMs ?? null, endedAtMs), kind: 'started', attempt, owner });
    const atMs = this.#notBefore(endedAtMs);
    this.#lastAtMs = atMs;
    const isLast = record !== null && record.outcome !== null && record.attempts.at(-1)?.attempt === attempt;
    if (isLast) return events;
    const about = { id, atMs, attempt };
    const isSentBack = attempt === record?.kept.again;
    if (!this.#isKnownEnd(attempt) && this.#isNews(`ended ${attempt}`)) {
      if (isSentBack && error !== undefined) events.push({ id, atMs, kind: endOf(error), error });
      else if (!isSentBack && error === undefined) events.push({ ...about, kind: 'recovered' });
      else if (!isSentBack && error !== undefined)
        events.push({ ...about, kind: error.code === 'FSQ_WORKER_LOST' ? 'recovered' : 'retried', error });
    }
    if (isSentBack) events.push(...this.#sentBack(id, attempt, nextAtMs, error));
    return events;
  }

  /** Of very many that a name speaks of the last are told. */
  #withoutRecord(id: string, past: Exclude<PastRun, { kind: 'kept' }>, nextAtMs: number): readonly JobEvent[] {
    if (past.kind === 'no-run') return this.#sentBack(id, past.attempt, nextAtMs);
    const events: JobEvent[] = [];
    for (let attempt = Math.max(past.from, past.to - MOST_UNTOLD + 1); attempt <= past.to; attempt++)
      if (!this.#isKnownEnd(attempt) && this.#isNews(`ended ${attempt}`))
        events.push({ id, ...this.#upTo(nextAtMs), kind: 'recovered', attempt });
    return events;
  }

  #sentBack(id: string, attempt: number, nextAtMs: number, error?: Failure): readonly JobEvent[] {
    const isKnown = this.#before !== null && this.#before.isOver !== true && this.#isKnownEnd(attempt);
    if (isKnown || !this.#isNews(`sent-back ${attempt}`)) return [];
    return [{ id, ...this.#upTo(nextAtMs), kind: 'sent-back', attempt, ...(error === undefined ? {} : { error }) }];
  }

  #end({ id, record, endedAtMs }: Sighting, nowMs: number): readonly JobEvent[] {
    const outcome = record?.outcome ?? null;
    if (outcome === null) return [];
    this.#isOver = true;
    const about = endedAtMs === null ? { id, atMs: nowMs, ...UNKNOWN } : { id, atMs: this.#notBefore(endedAtMs) };
    return outcome.state === 'succeeded'
      ? [{ ...about, kind: 'succeeded', value: outcome.value }]
      : [{ ...about, kind: outcome.state, error: outcome.error }];
  }

  /** One that nobody knows comes behind what is known to be before it, and before all that its run has said. */
  #begin(atMs: number | null, latestMs: number): Pick<JobEvent, 'atMs' | 'isTimeUnknown'> {
    if (atMs === null) return { atMs: Math.min(this.#lastAtMs ?? latestMs, latestMs), ...UNKNOWN };
    this.#begunAtMs = atMs;
    this.#lastAtMs = atMs;
    return { atMs };
  }

  /** It comes behind all that was said before the next run. */
  #upTo(nextAtMs: number): Pick<JobEvent, 'atMs' | 'isTimeUnknown'> {
    return { atMs: Math.max(this.#lastAtMs ?? 0, nextAtMs - SLACK_MS), ...UNKNOWN };
  }

  /** A run does not end before it has begun. A larger step back is the wall clock's, and is told as it was. */
  #notBefore(endedAtMs: number): number {
    return endedAtMs + SLACK_MS < this.#begunAtMs ? endedAtMs : Math.max(endedAtMs, this.#begunAtMs);
  }

  #isStart(attempt: number): boolean {
    return attempt > (this.#before?.attempt ?? 0) && this.#isNews(`started ${attempt}`);
  }

  #isKnownEnd(attempt: number): boolean {
    return this.#before !== null && attempt <= this.#before.attempt - (this.#before.isRunning ? 1 : 0);
  }

  #isNews(what: string): boolean {
    if (this.#told.has(what)) return false;
    this.#told.add(what);
    return true;
  }
}

const UNKNOWN = { isTimeUnknown: true } as const;

/** A file's name may speak of a billion runs. */
const MOST_UNTOLD = 100;

/** When at the latest the next run of which that is known began. */
function begunAfter(past: readonly PastRun[], i: number): number | null {
  for (let next = i + 1; next < past.length; next++) {
    const one = past[next];
    if (one?.kind === 'kept') return one.run.startedAtMs ?? one.run.endedAtMs;
  }
  return null;
}

/** How a job had ended of which its last run is kept, and not its outcome. */
function endOf({ code }: Failure): 'failed' | 'revoked' {
  return code === 'FSQ_REVOKED' ? 'revoked' : 'failed';
}

/** The clock that dates a claim is the kernel's, which is not that of the process to the millisecond, ms. */
const SLACK_MS = 5;

/** What runs said, between their beginnings and ends. */
export function merged<T extends Pick<JobEvent, 'atMs' | 'kind'>>(
  runs: readonly T[],
  said: readonly T[],
): readonly T[] {
  const all: T[] = [];
  let next = 0;
  for (const run of runs) {
    const fromMs = run.kind === 'started' ? run.atMs - SLACK_MS : run.atMs + 1;
    for (let one = said[next]; one !== undefined && one.atMs < fromMs; one = said[++next]) all.push(one);
    all.push(run);
  }
  return [...all, ...said.slice(next)];
}
