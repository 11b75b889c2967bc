/** A child's working day: claim, execute, settle, until it is told to drain. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { execute, type Executor } from '../../app/execute.ts';
import { nowMs } from '../../app/settings/stage.ts';
import { NO_OPTIONS, withDefaults } from '../../job/job-options.ts';
import { isLasting } from '../../job/ended/result-ttl.ts';
import { isHeard, jobMessage, tell, tellRetry } from '../../app/telling/diagnostics.ts';
import { registry } from '../../app/registry.ts';
import { Run } from '../../app/current-job.ts';
import type { Claim, Consumer } from '../../broker/worker-side.ts';
import { afterwards, isPromise, type Soon } from '../../broker/soon.ts';
import { RevokedError } from '../../job/errors.ts';
import { type AttemptedJob, type Ending, settlementOf } from '../../job/lifecycle.ts';
import type { Prints } from './prints.ts';
import { type Logger, report } from '../log.ts';

interface RunnerOptions extends Executor {
  readonly consumer: Consumer;
  readonly log: Logger;
  /** Aborted: take no further job. */
  readonly drain: AbortSignal;
  /** Aborted: the job at hand should end. */
  readonly stop: AbortSignal;
  /** When this process has worked enough; null: never. */
  readonly retirement: Retirement | null;
  /** It takes no further job: another process may begin in its place. */
  readonly onRetire: (why: string) => void;
  /** A job is about to fail for good. */
  readonly onFailed: () => void;
  /** Which jobs are revoked. */
  readonly revoked: Revoked;
  /** Runs the task of a job; default: `execute`, with a supervisor that kills this process at a time limit. */
  readonly execute?: typeof execute;
  /** Is told whose print what is printed; absent or null: nobody keeps that. */
  readonly prints?: Prints | null;
}

/** How long jobs may follow one another before messages and timers get their turn, ms: quick jobs never wait for anything. */
const TURN_MS = 2;

/**
 * Takes jobs until the drain is asked for or the process retires, and resolves when the last is settled. While one job's outcome is on its way to
 * the disk, the next one runs.
 *
 * @throws FencedError, SpoolError: end the process
 */
export async function runJobs(options: RunnerOptions): Promise<void> {
  const { consumer, drain, retirement, onRetire } = options;
  const settling = new Settling();
  const taking = AbortSignal.any([drain, settling.failed]);
  let turnEndsAt = performance.now() + TURN_MS;
  for (;;) {
    const next = consumer.next(taking);
    const claim = isPromise(next) ? await next : next;
    if (claim === null) break;
    const { settled } = await runJob(claim, options);
    if (isPromise(settled)) settling.add(settled);
    if (settling.isFull) await settling.room();
    const enough = retirement === null ? null : retirement.reason();
    if (enough !== null) {
      onRetire(enough);
      break;
    }
    if (performance.now() < turnEndsAt) continue;
    await yieldToOthers();
    turnEndsAt = performance.now() + TURN_MS;
  }
  await settling.end();
}

/** The job has run; `settled` tells when that is on disk. */
interface Ran {
  readonly settled: Soon<void>;
}

async function runJob(claim: Claim, options: RunnerOptions): Promise<Ran> {
  const { log, stop, revoked, prints, onFailed } = options;
  const { job, standing } = claim;
  const fields = { job: job.id, task: job.task, attempt: standing.attempt };
  log.debug(`${job.task} ${job.id} started`, fields);
  if (isHeard('claim')) {
    const { priority, crashes } = standing;
    tell('claim', { ...jobMessage(claim), priority, crashes });
  }
  const startedAtMs = nowMs();
  const startedAt = performance.now();
  const run = new Run(stop, claim);
  revoked.begin(job.id, run);
  prints?.begin(claim);
  const ending = await (options.execute ?? execute)(claim, run, options);
  const ms = Math.round(performance.now() - startedAt);
  const read = prints?.end();
  if (read !== undefined) await read;
  const isBegun = ending.kind !== 'unknown-task' && ending.kind !== 'expired';
  // The caller of revoke() was told that the job is revoked: the outcome of this run does not count.
  const how: Ending = revoked.end() ? { kind: 'revoked', hadBegun: isBegun } : ending;
  const settlement = settlementOf(how, runOf(claim, how), nowMs(), Math.random());
  if (settlement.kind === 'publish' && settlement.outcome.state === 'failed') onFailed();
  const error = 'error' in ending ? { error: ending.error } : {};
  const times = isBegun ? { startedAtMs, endedAtMs: startedAtMs + ms, ...error } : null;
  const onSettled = (): void => {
    report(claim, settlement, ms, log, fields);
    if (settlement.kind === 'rerun') tellRetry(claim, settlement);
  };
  return { settled: afterwards(claim.settle(settlement, times), onSettled) };
}

/** Options that the job's file leaves out are the task's. A run that went well needs none but those of its outcome. */
function runOf(claim: Claim, ending: Ending): AttemptedJob {
  const { job, standing, attempts, again = 0 } = claim;
  const defaults = registry().tasks.get(job.task)?.options ?? NO_OPTIONS;
  if (ending.kind === 'returned' && !isLasting(defaults)) return claim;
  return { job: { ...job, options: withDefaults(job.options, defaults) }, standing, attempts, again };
}

/**
 * How many jobs of a child may have run and not be settled: enough that the child goes on while the disk takes the outcomes of
 * some ten milliseconds. After the death of the process they are published as they are, and a power cut makes them run again.
 */
const MOST_SETTLING = 256;

/** Outcomes on their way to the disk. */
export class Settling {
  readonly #failed = new AbortController();
  #underWay = 0;
  #error: unknown = null;
  /** Called when one has ended. */
  #heard: (() => void) | null = null;

  /** Aborted when a settlement failed: nothing more should be begun. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  get isFull(): boolean {
    return this.#underWay >= MOST_SETTLING;
  }

  add(settled: Promise<void>): void {
    this.#underWay++;
    settled.then(
      () => this.#ended(),
      (error: unknown) => {
        this.#error ??= error;
        this.#failed.abort();
        this.#ended();
      },
    );
  }

  /** Resolves when one more can be added. */
  async room(): Promise<void> {
    while (this.isFull) await this.#next();
  }

  /** Waits for all. @throws the error of the first settlement that failed */
  async end(): Promise<void> {
    while (this.#underWay > 0) await this.#next();
    if (this.#error !== null) throw this.#error;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => (this.#heard = resolve));
  }

  #ended(): void {
    this.#underWay--;
    this.#heard?.();
    this.#heard = null;
  }
}

/** The jobs that are revoked, as far as this process has heard, and the run of one that is to end. */
export class Revoked {
  #ids: ReadonlySet<string> = new Set();
  #job: string | null = null;
  #run: Run | null = null;

  /** All that are revoked and have not ended. */
  hear(ids: ReadonlySet<string>): void {
    this.#ids = ids;
    this.#tell();
  }

  begin(job: string, run: Run): void {
    this.#job = job;
    this.#run = run;
    if (this.#ids.size > 0) this.#tell();
  }

  /** The run has ended, whatever it came to. @returns whether its job is revoked */
  end(): boolean {
    const isRevoked = this.#ids.size > 0 && this.#job !== null && this.#ids.has(this.#job);
    this.#run?.end();
    this.#job = this.#run = null;
    return isRevoked;
  }

  #tell(): void {
    if (this.#job === null || !this.#ids.has(this.#job)) return;
    this.#run?.abort(new RevokedError(`Job ${this.#job} was revoked: end this run, its outcome is not kept.`));
  }
}

export interface RetirementRules {
  /** Jobs; null: any number. */
  readonly maxTasks: number | null;
  /** Resident memory of the process, bytes; null: any. */
  readonly maxMemoryBytes: number | null;
}

/** When a child has worked enough: after so many jobs, or with so much memory. Asked between jobs only. */
export class Retirement {
  readonly #rules: RetirementRules;
  readonly #memoryBytes: () => number;
  #tasks = 0;

  constructor(rules: RetirementRules, memoryBytes: () => number = () => process.memoryUsage.rss()) {
    this.#rules = rules;
    this.#memoryBytes = memoryBytes;
  }

  /** To be called after each job: why this process should take no other, or null when it may. */
  reason(): string | null {
    const { maxTasks, maxMemoryBytes } = this.#rules;
    this.#tasks++;
    if (maxTasks !== null && this.#tasks >= maxTasks)
      return `it has run ${maxTasks === 1 ? 'a job' : `${maxTasks} jobs`} (maxTasksPerChild)`;
    const bytes = maxMemoryBytes === null ? 0 : this.#memoryBytes();
    if (maxMemoryBytes !== null && bytes > maxMemoryBytes)
      return `it uses ${megabytes(bytes)} of memory, more than ${megabytes(maxMemoryBytes)} (maxMemoryPerChild)`;
    return null;
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MB`;
}
