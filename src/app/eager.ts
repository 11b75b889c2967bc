/** Running a task inline: by the executor of a worker, with the same trip through JSON, and the same life. */
import type { Sighting } from '../broker/broker.ts';
import { type FsqError, NotRetriedError, UnknownJobError, UnknownTaskError, UsageError } from '../job/errors.ts';
import { failureOf } from '../job/failure.ts';
import { type Attempt, endedAtMs, type Job, type JobRecord, type Outcome, type Standing } from '../job/job.ts';
import type { JsonValue } from '../job/values/json.ts';
import type { Progress } from '../job/values/progress.ts';
import { idsAfter, isTaking } from '../job/edges.ts';
import { Predecessors, type Verdict } from '../job/ended/predecessors.ts';
import { type Ending, settlementOf } from '../job/lifecycle.ts';
import { AsyncResult } from './async-result.ts';
import type { OutcomeSource } from './registry.ts';
import { tellRetry } from './telling/diagnostics.ts';
import { execute, type Executor, type LimitKeepers } from './execute.ts';
import { after, type LongTimer } from './timers.ts';
import { EAGER_KEPT, registry } from './registry.ts';
import { InMemory, Run } from './current-job.ts';

/** The name of the place where eager jobs run, for messages. */
export const EAGER_PLACE = 'this process (alwaysEager)';

/**
 * Runs the job now, and again where a worker would, but without waiting: the handle it returns is ready. Like a worker, it
 * never throws what the task throws: `get()` does.
 *
 * @param outcomeOf how a job ended that ran here before; default: of the newest so many
 */
export async function runEagerly(
  job: Job,
  { queue, priority }: Pick<Standing, 'queue' | 'priority'>,
  executor: Omit<Executor, 'limitKeepers'>,
  outcomeOf: (id: string) => Promise<JobRecord | null> = (id) => eagerSource(id).outcome(id),
): Promise<AsyncResult> {
  const attempts: Attempt[] = [];
  const beside = new InMemory();
  const standing = { queue, priority, attempt: 0, crashes: 0 };
  const verdict = await afterOthers(job, outcomeOf);
  const refused = 'settlement' in verdict && verdict.settlement.kind === 'publish' ? verdict.settlement.outcome : null;
  if (refused !== null)
    return handleOf({ job, attempts, outcome: refused, parked: null, kept: standing }, refused.state, standing, null);
  const { args } = 'job' in verdict ? verdict.job : job;
  for (let attempt = 1; ; attempt++) {
    const standing = { queue, priority, attempt, crashes: 0 };
    const startedAtMs = Date.now();
    beside.attempt = attempt;
    const run = new Run(null, beside);
    const ending = await runOnce({ ...job, args: asRead(args) }, standing, run, executor);
    const settlement = settlementOf(ending, { job, standing, attempts }, Date.now(), Math.random());
    const error = 'error' in ending ? { error: ending.error } : {};
    if (ending.kind !== 'expired')
      attempts.push({ attempt, startedAtMs, endedAtMs: Date.now(), owner: EAGER_PLACE, ...error });
    if (settlement.kind === 'rerun') tellRetry({ job, standing }, settlement);
    if (settlement.kind !== 'publish') continue;
    const { outcome } = settlement;
    return handleOf({ job, attempts, outcome, parked: null, kept: standing }, outcome.state, standing, beside.shown);
  }
}

/** The job as it is to run after others, which have ended as all have here; or how it ends for them. */
async function afterOthers(job: Job, outcomeOf: (id: string) => Promise<JobRecord | null>): Promise<Verdict> {
  if (job.options.after === undefined && !isTaking(job.options)) return { job };
  const found = new Predecessors(job);
  for (const id of idsAfter(job.options)) {
    const { outcome = null, job: { task = null } = {} } = (await outcomeOf(id)) ?? {};
    found.add(id, outcome === null ? null : { outcome, task });
  }
  return found.verdict();
}

async function runOnce(
  job: Job,
  standing: Standing,
  run: Run,
  executor: Omit<Executor, 'limitKeepers'>,
): Promise<Ending> {
  const ending = await executeInline({ job, standing }, run, executor);
  if (ending.kind === 'returned') return { kind: 'returned', value: asRead(ending.value) };
  if (ending.kind !== 'unknown-task') return ending;
  const error = failureOf(new UnknownTaskError(`Task ${job.task} is not registered in this process.`));
  return { kind: 'threw', error, isFinal: true };
}

/** `execute` in a process that cannot be killed for a run. */
export function executeInline(
  claimed: Parameters<typeof execute>[0],
  run: Run,
  executor: Omit<Executor, 'limitKeepers'>,
): Promise<Ending> {
  const { limitKeepers, timedOut } = keepLimit();
  return Promise.race([timedOut, execute(claimed, run, { ...executor, limitKeepers })]);
}

/** No run can be killed here: at its limit it counts as timed out, and its function goes on beside the program. */
function keepLimit(): { readonly limitKeepers: LimitKeepers; readonly timedOut: Promise<Ending> } {
  let end: (ending: Ending) => void = () => undefined;
  const timedOut = new Promise<Ending>((resolve) => (end = resolve));
  let timer: LongTimer | null = null;
  let isOver = (): void => undefined;
  const limitKeepers: LimitKeepers = {
    begun: ({ limitMs }) => {
      isOver = () => end({ kind: 'timed-out', limitMs });
      timer = after(limitMs, isOver);
    },
    ended: (_, isLate) => {
      timer?.cancel();
      if (isLate()) isOver();
    },
  };
  return { limitKeepers, timedOut };
}

function handleOf(
  record: JobRecord,
  state: Outcome['state'],
  standing: Standing,
  progress: Progress | null,
): AsyncResult {
  const { id } = record.job;
  const sighting: Sighting = {
    id,
    state,
    standing,
    dueAtMs: null,
    startedAtMs: null,
    endedAtMs: endedAtMs(record),
    owner: null,
    progress,
    location: EAGER_PLACE,
    record,
  };
  const source: OutcomeSource = {
    ...NOTHING,
    find: async () => sighting,
    outcome: async () => record,
    changed: async (seen) => new Map(seen.get(id) === null ? [[id, { mark: '', atMs: Date.now(), sighting }]] : []),
    whyNoLog: unlogged,
    waitForOutcome: async () => record,
    // It ran when it was sent.
    revoke: async () => new Map([[id, 'ended' as const]]),
    retry: async () => new Map([[id, notAgain(record)]]),
    forget: async () => {
      registry().eager.delete(id);
      // For the handles that know it.
      Object.assign(source, NOTHING);
      return new Map([[id, 'forgotten' as const]]);
    },
  };
  keep(id, source);
  return new AsyncResult(id, async () => source, true);
}

/** The caller of the job has its arguments, and what ran here is kept for a while only. */
function notAgain({ job: { id, task }, outcome }: JobRecord): FsqError {
  if (outcome?.state === 'succeeded')
    return new NotRetriedError('FSQ_SUCCEEDED', id, `Job ${id} (${task}) has succeeded and is not run again.`);
  return new UsageError(`Job ${id} was run at its call, in this process (alwaysEager): call the task again`);
}

function unlogged(id: string): UsageError {
  return new UsageError(
    `What job ${id} printed went to the output of this process (alwaysEager) and is not kept: a worker keeps it, that of fsq/testing too`,
  );
}

/** The source for ids of jobs that did not run here. */
const NOTHING: OutcomeSource = {
  place: EAGER_PLACE,
  find: async () => null,
  outcome: async () => null,
  changed: async () => new Map(),
  whyNoLog: undefined,
  log: async (_id, position) => ({ lines: [], position }),
  waitForOutcome: async (id) => {
    throw new UnknownJobError(id, EAGER_PLACE);
  },
  revoke: async () => new Map(),
  retry: async () => new Map(),
  forget: async () => new Map(),
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
