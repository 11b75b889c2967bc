/** What happened to a job, as events: worked out from looks at it, each of which may have missed much. Pure. */
import type { Known, Sighting } from '../../broker/broker.ts';
import type { Failure } from '../../job/errors.ts';
import type { Attempt, JobRecord } from '../../job/job.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { LogLine } from '../../job/values/log-lines.ts';

interface About {
  /** The job's. */
  readonly id: string;
  /** When it happened, Unix ms. */
  readonly atMs: number;
}

/** Something that happened to a job. The last of a job is how it ended. */
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
    /** The job had ended with this attempt, and was sent back to run again: `retry()`. It is told with the time of that end. */
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
    const { id } = sighting;
    const news = lines.filter(({ atMs }) => atMs >= this.#sinceMs);
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

  #runs({ id, record, state, standing, startedAtMs, owner }: Sighting, nowMs: number): readonly JobEvent[] {
    const events: JobEvent[] = (record?.attempts ?? []).flatMap((one, i) =>
      this.#run(id, one, isLastRun(record, i), one.attempt === record?.kept.again),
    );
    const { attempt } = standing;
    if (state === 'running' && owner !== null && this.#isStart(attempt))
      events.push({ id, atMs: this.#begin(startedAtMs ?? nowMs), kind: 'started', attempt, owner });
    const parked = record?.outcome === null ? record.parked : null;
    if (parked !== null && parked.sinceMs >= this.#sinceMs && this.#isNews(`parked ${parked.sinceMs}`))
      events.push({ id, atMs: parked.sinceMs, kind: 'parked', reason: parked.reason });
    return events;
  }

  /** @param isLast how it ended is how the job did. @param isSentBack the job did too, and was sent back */
  #run(
    id: string,
    { attempt, startedAtMs, endedAtMs, owner, error }: Attempt,
    isLast: boolean,
    isSentBack: boolean,
  ): readonly JobEvent[] {
    const events: JobEvent[] = [];
    if (this.#isStart(attempt))
      events.push({ id, atMs: this.#begin(startedAtMs ?? endedAtMs), kind: 'started', attempt, owner });
    if (isLast || this.#isKnownEnd(attempt) || !this.#isNews(`ended ${attempt}`)) return events;
    const about = { id, atMs: this.#notBefore(endedAtMs), attempt };
    if (isSentBack) events.push({ ...about, kind: 'sent-back', ...(error === undefined ? {} : { error }) });
    else if (error === undefined) events.push({ ...about, kind: 'recovered' });
    else events.push({ ...about, kind: error.code === 'FSQ_WORKER_LOST' ? 'recovered' : 'retried', error });
    return events;
  }

  #end({ id, record, endedAtMs }: Sighting, nowMs: number): readonly JobEvent[] {
    const outcome = record?.outcome ?? null;
    if (outcome === null) return [];
    this.#isOver = true;
    const about = { id, atMs: this.#notBefore(endedAtMs ?? nowMs) };
    return outcome.state === 'succeeded'
      ? [{ ...about, kind: 'succeeded', value: outcome.value }]
      : [{ ...about, kind: outcome.state, error: outcome.error }];
  }

  #begin(atMs: number): number {
    this.#begunAtMs = atMs;
    return atMs;
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

function isLastRun(record: JobRecord | null, i: number): boolean {
  return record !== null && record.outcome !== null && i === record.attempts.length - 1;
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
