/**
 * What the ends of the jobs that a job runs after mean for it: it runs, with what it takes from them before its own arguments, or it ends.
 * Pure: who looks them up tells of one after the other, in the order in which the job names them.
 */
import { idsAfter, isTaking, shaped } from '../edges.ts';
import { type Failure, PredecessorError, UsageError } from '../errors.ts';
import { failureOf } from '../failure.ts';
import type { Job, JobRecord, Outcome } from '../job.ts';
import { lasting, type Settlement } from '../lifecycle.ts';
import type { JsonValue } from '../values/json.ts';
import { MAX_PAYLOAD_BYTES } from '../values/payload.ts';
import { IGNORED_MS } from './result-ttl.ts';

/** How a job has ended that another runs after, and of which task it was. Null: it is nowhere, or its file cannot be read. */
export interface Ended {
  readonly outcome: Outcome;
  readonly task: string | null;
}

/** The job as it is to run, with all of its arguments; or what becomes of it. */
export type Verdict = { readonly job: Job } | { readonly settlement: Settlement };

/** What an error handler gets as its first argument. */
export interface FailedJob extends Failure {
  readonly id: string;
  /** Null where nothing is known of the job any more. */
  readonly task: string | null;
  readonly state: Exclude<Outcome['state'], 'succeeded'>;
}

/**
 * True of a job that takes something of others, or that is to run after them and was never begun since it was sent, or sent back.
 *
 * @param attempt of the run that is about to begin
 */
export function needsPredecessors({ job, attempts, kept }: JobRecord, attempt: number): boolean {
  if (isTaking(job.options)) return true;
  return job.options.after !== undefined && attempts.length === 0 && attempt - 1 === (kept.again ?? 0);
}

export class Predecessors {
  readonly #job: Job;
  readonly #values: JsonValue[] = [];
  #bytes = 2;
  #verdict: Verdict | null = null;

  constructor(job: Job) {
    this.#job = job;
    if (idsAfter(job.options).includes(job.id)) this.#fail(`it was to run after itself`);
  }

  /** True when no further one can change the verdict. */
  get isDecided(): boolean {
    return this.#verdict !== null;
  }

  /** @param ended null: it is nowhere */
  add(id: string, ended: Ended | null): void {
    const { takes } = this.#job.options;
    if (this.isDecided) return;
    const outcome = ended?.outcome;
    if (outcome?.state !== 'succeeded') this.#without(id, outcome ?? null, ended?.task ?? null);
    else if (takes === 'value' || takes === 'values') this.#keep(outcome.value ?? null);
  }

  /** To be asked when all were told of, or when it is decided. */
  verdict(): Verdict {
    const { id, task, options } = this.#job;
    if (this.#verdict !== null) return this.#verdict;
    if (options.takes === 'value') return this.#with(this.#values[0] ?? null);
    if (options.takes === 'values') return this.#with(shaped<JsonValue>(this.#values, options, null));
    if (options.takes === undefined) return { job: this.#job };
    const message = `Job ${id} (${task}) was not run: it is for a failure of what it comes after, and all of that has succeeded.`;
    const error = new PredecessorError(message, 'FSQ_NOT_NEEDED');
    const outcome = { state: 'revoked', error: failureOf(error) } as const;
    return { settlement: { kind: 'publish', outcome, ttlMs: IGNORED_MS } };
  }

  #keep(value: JsonValue): void {
    this.#values.push(value);
    this.#bytes += Buffer.byteLength(JSON.stringify(value)) + 1;
    if (this.#bytes <= MAX_PAYLOAD_BYTES) return;
    const { id, task } = this.#job;
    const which = `the first ${this.#values.length} of the values that it was to take`;
    const message = `Job ${id} (${task}) was not run: ${which} have more than ${MAX_PAYLOAD_BYTES} bytes of JSON. Return keys, or paths of files, instead of data.`;
    this.#end(failureOf(new UsageError(message, 'FSQ_TOO_LARGE')));
  }

  #without(id: string, ended: Exclude<Outcome, { state: 'succeeded' }> | null, task: string | null): void {
    const named = task === null ? `job ${id}` : `job ${id} (${task})`;
    const what = `${named}, after which it was to run, ${endOf(ended)}`;
    if (this.#job.options.takes !== 'error') return this.#fail(what, ended?.error);
    const { state, error } = ended ?? {
      state: 'failed',
      error: failureOf(new PredecessorError(`Job ${id} ${endOf(null)}.`)),
    };
    this.#verdict = this.#with(plain({ id, task, state, ...error }));
  }

  /** In a row of jobs, the first error is the cause of all. */
  #fail(what: string, error?: Failure): void {
    const { id, task } = this.#job;
    const failure = failureOf(new PredecessorError(`Job ${id} (${task}) was not run: ${what}.`));
    const cause = error?.code === 'FSQ_PREDECESSOR' ? (error.cause ?? error) : error;
    this.#end(cause === undefined ? failure : { ...failure, cause });
  }

  #end(error: Failure): void {
    this.#verdict = { settlement: lasting({ kind: 'publish', outcome: { state: 'failed', error } }, this.#job) };
  }

  #with(taken: JsonValue): Verdict {
    return { job: { ...this.#job, args: [taken, ...this.#job.args] } };
  }
}

function endOf(ended: Outcome | null): string {
  if (ended === null) return 'is nowhere: its outcome is forgotten, or it was never sent';
  return ended.state === 'revoked' ? 'was revoked' : ended.state;
}

/** Without what is undefined, as it comes from JSON. */
function plain(failed: FailedJob): JsonValue {
  return JSON.parse(JSON.stringify(failed)) as JsonValue;
}
