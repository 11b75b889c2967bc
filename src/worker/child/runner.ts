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
import { type AttemptedJob, type Ending, isSuspect, settlementOf } from '../../job/lifecycle.ts';
import type { RunFigures } from '../../broker/statistics.ts';
import { figuresOf } from './counted-runs.ts';
import { Lending } from './lending.ts';
import type { Prints } from './prints.ts';
import { type RanJob, ranJob } from './ran-jobs.ts';
import type { Retirement } from './retirement.ts';
import type { Slots } from './slots.ts';
import { type Logger, type ParkedNews, report } from '../log.ts';

interface RunnerOptions extends Executor {
  readonly consumer: Consumer;
  readonly log: Logger;
  /** Aborted: take no further job. */
  readonly drain: AbortSignal;
  /** Aborted: the jobs at hand should end. */
  readonly stop: AbortSignal;
  /** When this process has worked enough; null: never. */
  readonly retirement: Retirement | null;
  /** It takes no further job: another process may begin in its place. */
  readonly onRetire: (why: string) => void;
  /** A job is about to fail for good. */
  readonly onFailed: () => void;
  /** How many jobs run at once. */
  readonly slots: Slots;
  /** A run has ended and is settled; absent: nobody counts them. */
  readonly onRan?: ((run: RanJob) => void) | undefined;
  /** The same, for the statistics. */
  readonly onCounted?: ((run: RunFigures) => void) | undefined;
  /** A job is parked; absent: nobody is told. */
  readonly onParked?: ((news: ParkedNews) => void) | undefined;
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
  const { consumer, drain, retirement, onRetire, slots } = options;
  const { settling } = slots;
  const lending: Lending = new Lending(slots, (id, queue) => takeAwaited(id, queue, options, lending));
  const taking = AbortSignal.any([drain, settling.failed]);
  let turnEndsAt = performance.now() + TURN_MS;
  for (;;) {
    const next = consumer.next(taking);
    const claim = isPromise(next) ? await next : next;
    if (claim === null) break;
    slots.begin();
    void runJob(claim, options, lending);
    if (isSuspect(claim.standing)) await slots.alone();
    else while (slots.isFull) await slots.next();
    if (settling.isFull) await settling.room();
    const enough = retirement === null ? null : retirement.reason();
    if (enough !== null) {
      await lending.finish();
      onRetire(enough);
      break;
    }
    if (performance.now() < turnEndsAt) continue;
    await yieldToOthers();
    turnEndsAt = performance.now() + TURN_MS;
  }
  await lending.finish();
  await settling.end();
}

/** From the claim until the outcome is on its way to the disk: that, and what goes wrong with it, is the settling's. Never rejects. */
async function runJob(claim: Claim, options: RunnerOptions, lending: Lending): Promise<void> {
  const { log, stop, revoked, prints, slots } = options;
  const { job, standing } = claim;
  const fields = { job: job.id, task: job.task, attempt: standing.attempt };
  log.debug(`${job.task} ${job.id} started`, fields);
  if (isHeard('claim')) {
    const { priority, crashes } = standing;
    tell('claim', { ...jobMessage(claim), priority, crashes });
  }
  const run = new Run(stop, claim, lending);
  revoked.begin(job.id, run);
  const othersRead = prints?.begin(claim);
  if (othersRead !== undefined) await othersRead;
  const startedAtMs = nowMs();
  const startedAt = performance.now();
  const ending = await (options.execute ?? execute)(claim, run, options);
  const ms = Math.round(performance.now() - startedAt);
  const read = prints?.end(claim);
  if (read !== undefined) await read;
  try {
    const settled = settleRun(claim, options, { ending, startedAtMs, ms, fields });
    if (isPromise(settled)) slots.settling.add(settled);
  } catch (error) {
    slots.settling.fail(error);
  }
  slots.end();
}

/**
 * Begins the job for which a run of this process waits, if it is found ready and a slot is free.
 *
 * @param queue null: no other job is taken meanwhile, so that it may be searched for
 */
async function takeAwaited(id: string, queue: string | null, options: RunnerOptions, lending: Lending): Promise<void> {
  const { consumer, slots, stop } = options;
  if (consumer.take === undefined || slots.isFull || stop.aborted || slots.settling.failed.aborted) return;
  // So that no other job gets the slot meanwhile. Without others, a suspect must see that nothing works.
  const isReserved = queue !== null;
  if (isReserved) slots.begin();
  let claim: Claim | null = null;
  try {
    claim = await consumer.take(id, queue);
  } catch (error) {
    slots.settling.fail(error);
  }
  if (claim !== null && !isReserved) slots.begin();
  if (claim !== null) void runJob(claim, options, lending);
  else if (isReserved) slots.end();
}

/** How a run ended, and when. */
interface Ran {
  readonly ending: Ending;
  readonly startedAtMs: number;
  readonly ms: number;
  /** Of the job, for the log. */
  readonly fields: { readonly job: string; readonly task: string; readonly attempt: number };
}

function settleRun(claim: Claim, options: RunnerOptions, { ending, startedAtMs, ms, fields }: Ran): Soon<void> {
  const { log, revoked, onFailed, onRan, onCounted } = options;
  const isBegun = ending.kind !== 'unknown-task' && ending.kind !== 'expired';
  // The caller of revoke() was told that the job is revoked: the outcome of this run does not count.
  const how: Ending = revoked.end(claim.job.id) ? { kind: 'revoked', hadBegun: isBegun } : ending;
  const settlement = settlementOf(how, runOf(claim, how), nowMs(), Math.random());
  if (settlement.kind === 'publish' && settlement.outcome.state === 'failed') onFailed();
  const error = 'error' in ending ? { error: ending.error } : {};
  const times = isBegun ? { startedAtMs, endedAtMs: startedAtMs + ms, ...error } : null;
  const onSettled = (): void => {
    report(claim, settlement, ms, log, fields);
    if (settlement.kind === 'park')
      options.onParked?.({ id: claim.job.id, task: claim.job.task, reason: settlement.parked.reason });
    if (settlement.kind === 'rerun') tellRetry(claim, settlement);
    const counted = onCounted === undefined ? null : figuresOf(claim, settlement, { startedAtMs, ms, isBegun });
    if (counted !== null) onCounted?.(counted);
    const ran = onRan === undefined ? null : ranJob(claim, settlement, isBegun ? ms : null);
    if (ran !== null) onRan?.(ran);
  };
  return afterwards(claim.settle(settlement, times), onSettled);
}

/** Options that the job's file leaves out are the task's. A run that went well needs none but those of its outcome. */
function runOf(claim: Claim, ending: Ending): AttemptedJob {
  const { job, standing, attempts, again = 0 } = claim;
  const defaults = registry().tasks.get(job.task)?.options ?? NO_OPTIONS;
  if (ending.kind === 'returned' && !isLasting(defaults)) return claim;
  return { job: { ...job, options: withDefaults(job.options, defaults) }, standing, attempts, again };
}

/** The jobs that are revoked, as far as this process has heard, and the runs of those that are to end. */
export class Revoked {
  #ids: ReadonlySet<string> = new Set();
  /** By their jobs. */
  readonly #runs = new Map<string, Run>();

  /** All that are revoked and have not ended. */
  hear(ids: ReadonlySet<string>): void {
    this.#ids = ids;
    for (const job of ids) this.#tell(job);
  }

  begin(job: string, run: Run): void {
    this.#runs.set(job, run);
    if (this.#ids.size > 0 && this.#ids.has(job)) this.#tell(job);
  }

  /** The run of that job has ended, whatever it came to. @returns whether the job is revoked */
  end(job: string): boolean {
    this.#runs.get(job)?.end();
    this.#runs.delete(job);
    return this.#ids.size > 0 && this.#ids.has(job);
  }

  /** The first of `ids` that runs here now; undefined: none does. */
  runningOf(ids: ReadonlySet<string>): string | undefined {
    return [...ids].find((job) => this.#runs.has(job));
  }

  #tell(job: string): void {
    this.#runs.get(job)?.abort(new RevokedError(`Job ${job} was revoked: end this run, its outcome is not kept.`));
  }
}
