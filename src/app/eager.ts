/** Running a task inline with the same trip through JSON that a worker's run makes, and the same life. */
import type { Sighting } from '../broker/broker.ts';
import { UnknownJobError, UnknownTaskError } from '../job/errors.ts';
import { failureOf, toFailure } from '../job/failure.ts';
import { endedAtMs, type Attempt, type Job, type JobRecord, type Outcome, type Standing } from '../job/job.ts';
import type { JsonValue } from '../job/json.ts';
import { type Ending, settlementOf } from '../job/lifecycle.ts';
import { checkedResult } from '../job/payload.ts';
import type { ErrorTexts } from '../job/redaction.ts';
import { AsyncResult, type OutcomeSource } from './async-result.ts';
import { retry } from './current-job.ts';
import { EAGER_KEPT, registry } from './registry.ts';
import { endingOf } from './thrown.ts';

/** Where eager handles look: the one record, in memory. */
const PLACE = 'this process (alwaysEager)';

/**
 * Runs the job now, and again where a worker would, but without waiting: the handle it returns is ready. Like a worker, it
 * never throws what the task throws: `get()` does.
 */
export async function runEagerly(
  job: Job,
  { queue, priority }: Pick<Standing, 'queue' | 'priority'>,
  texts: ErrorTexts,
): Promise<AsyncResult> {
  const attempts: Attempt[] = [];
  for (let attempt = 1; ; attempt++) {
    const standing = { queue, priority, attempt, crashes: 0 };
    const startedAtMs = Date.now();
    const ending = await runOnce(job, standing, texts, startedAtMs);
    const settlement = settlementOf(ending, { job, standing, attempts }, Date.now(), Math.random());
    const error = 'error' in ending ? { error: ending.error } : {};
    if (ending.kind !== 'expired')
      attempts.push({ attempt, startedAtMs, endedAtMs: Date.now(), owner: PLACE, ...error });
    if (settlement.kind === 'publish') return handleOf(job, standing, attempts, settlement.outcome);
  }
}

async function runOnce(job: Job, standing: Standing, texts: ErrorTexts, nowMs: number): Promise<Ending> {
  const { id, headers, options } = job;
  if (options.expiresAtMs !== undefined && nowMs > options.expiresAtMs) return { kind: 'expired' };
  const task = registry().tasks.get(job.task);
  if (task === undefined) {
    const error = failureOf(new UnknownTaskError(`Task ${job.task} is not registered in this process.`));
    return { kind: 'threw', error, isFinal: true };
  }
  const { attempt, queue } = standing;
  const { signal } = new AbortController();
  const context = { id, task: job.task, attempt, queue, headers, signal, deadline: null, retry };
  const args = asRead(job.args);
  let value: unknown;
  try {
    value = await registry().current.run(context, async () => task.fn(...args));
  } catch (error) {
    return endingOf(error, task, texts);
  }
  try {
    return { kind: 'returned', value: asRead(checkedResult(job.task, value)) };
  } catch (error) {
    const failure = toFailure(error, { ...texts, redact: task.redact ?? texts.redact });
    return { kind: 'threw', error: failure, isFinal: true };
  }
}

function handleOf(job: Job, standing: Standing, attempts: readonly Attempt[], outcome: Outcome): AsyncResult {
  const record: JobRecord = { job, attempts, outcome, parked: null, kept: standing };
  const sighting: Sighting = {
    id: job.id,
    state: outcome.state,
    standing,
    dueAtMs: null,
    startedAtMs: null,
    endedAtMs: endedAtMs(record),
    owner: null,
    location: PLACE,
    record,
  };
  const source: OutcomeSource = {
    ...NOTHING,
    find: async () => sighting,
    outcome: async () => record,
    waitForOutcome: async () => record,
    // It ran when it was sent.
    revoke: async () => new Map([[job.id, 'ended' as const]]),
  };
  keep(job.id, source);
  return new AsyncResult(job.id, async () => source, true);
}

/** What is known of a job that did not run here. */
const NOTHING: OutcomeSource = {
  place: PLACE,
  find: async () => null,
  outcome: async () => null,
  waitForOutcome: async (id) => {
    throw new UnknownJobError(id, PLACE);
  },
  revoke: async () => new Map(),
  owners: async () => [],
};

/** Where the outcome of a job is that ran in this process. */
export function eagerSource(id: string): OutcomeSource {
  return registry().eager.get(id) ?? NOTHING;
}

function keep(id: string, source: OutcomeSource): void {
  const { eager } = registry();
  eager.set(id, source);
  const [oldest] = eager.keys();
  if (eager.size > EAGER_KEPT && oldest !== undefined) eager.delete(oldest);
}

/** `value` as a reader of the job's file has it; undefined stays undefined. */
function asRead<T extends JsonValue | undefined>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T);
}
