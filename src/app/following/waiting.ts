/**
 * A task that waits for other jobs: its worker begins another meanwhile, and a loop of jobs that wait for one another is found. A wait of
 * more than a second is told with the job, and then followed from job to job: the last job of a loop to wait sees all others.
 */
import type { Broker, Sighting } from '../../broker/broker.ts';
import { FsqError } from '../../job/errors.ts';
import { nameClasses } from '../../job/values/class-names.ts';
import { idsAfter } from '../../job/edges.ts';
import type { JobRecord } from '../../job/job.ts';
import { type CurrentJob, RunningJob } from '../current-job.ts';
import { registry } from '../registry.ts';

/** Nearly every wait is shorter, ms. */
const LOOK_AFTER_MS = 1_000;
/** Jobs that are looked at on the way: more than any sensible program has wait for one another. */
const MOST_LOOKS = 1_000;

type Source = Pick<Broker, 'outcome' | 'waitForOutcome' | 'find'>;

/** Jobs wait for one another, so that none of them can end. */
export class CycleError extends FsqError {
  /** The jobs of the loop, by their ids: each waits for the next, and the last for the first. */
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    const [first = '', ...others] = ids;
    const rest = [...others, first].join(', which waits for job ');
    const text = others.length === 0 ? `Job ${first} waits for itself` : `Job ${first} waits for job ${rest}`;
    super('FSQ_CYCLE', `${text}: none of them can ever end. End this run, or wait with a timeout.`);
    this.ids = ids;
  }
}
nameClasses({ CycleError });

/**
 * Waits for the outcome as `waitForOutcome` does, in a task and elsewhere.
 *
 * @param signal null: nothing but the outcome ends the wait, so that a loop has to
 * @throws CycleError
 */
export async function outcomeOf(
  source: Source,
  id: string,
  signal: AbortSignal | null,
  isSurelyThere: boolean,
): Promise<JobRecord | null> {
  const job = registry().current.getStore();
  if (job === undefined || signal?.aborted === true) return source.waitForOutcome(id, signal, isSurelyThere);
  const there = await source.outcome(id);
  if (there !== null) return there;
  return lendingSlot(id, () =>
    signal === null ? endless(source, job, id, isSurelyThere) : source.waitForOutcome(id, signal, isSurelyThere),
  );
}

/** Does `wait`, which waits for the job `id`; null: for any of many. In a task of a worker, that may begin another job meanwhile. */
export async function lendingSlot<T>(id: string | null, wait: () => Promise<T>): Promise<T> {
  const job = registry().current.getStore();
  if (job === undefined) return wait();
  const goOn = RunningJob.beginWait(job, id);
  try {
    return await wait();
  } finally {
    goOn();
  }
}

/** The jobs that each run waits for without an end, as it has told. */
const told = new WeakMap<CurrentJob, Set<string>>();

function tell(job: CurrentJob, act: (ids: Set<string>) => void): void {
  const ids = told.get(job) ?? new Set();
  told.set(job, ids);
  act(ids);
  RunningJob.tellWaits(job, [...ids]);
}

async function endless(source: Source, job: CurrentJob, id: string, isSurelyThere: boolean): Promise<JobRecord | null> {
  const stop = new AbortController();
  const loops: CycleError[] = [];
  let hasTold = false;
  const look = async (): Promise<void> => {
    hasTold = true;
    tell(job, (ids) => ids.add(id));
    const loop = await loopThrough(source, job.id, id);
    if (loop === null) return;
    loops.push(new CycleError(loop));
    stop.abort();
  };
  // Where the look fails, the wait itself meets the same.
  const timer = setTimeout(() => void look().catch(() => undefined), id === job.id ? 0 : LOOK_AFTER_MS).unref();
  try {
    const record = await source.waitForOutcome(id, stop.signal, isSurelyThere);
    if (record === null && loops[0] !== undefined) throw loops[0];
    return record;
  } finally {
    clearTimeout(timer);
    if (hasTold) tell(job, (ids) => ids.delete(id));
  }
}

/** The ids of a loop from `self` over `first` back to `self`; null when there is none. */
async function loopThrough(source: Source, self: string, first: string): Promise<readonly string[] | null> {
  const cameFrom = new Map<string, string>([[first, self]]);
  const next = [first];
  for (let id = next.shift(); id !== undefined && cameFrom.size < MOST_LOOKS; id = next.shift()) {
    if (id === self) return wayTo(self, cameFrom);
    for (const other of awaitedBy(await source.find(id))) {
      if (cameFrom.has(other)) continue;
      cameFrom.set(other, id);
      next.push(other);
    }
  }
  return null;
}

function wayTo(self: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way: string[] = [];
  for (let id = cameFrom.get(self) ?? self; id !== self; id = cameFrom.get(id) ?? self) way.unshift(id);
  return [self, ...way];
}

/** What keeps this job from its end: the jobs that its run waits for, or the one after which it is to begin. */
function awaitedBy(sighting: Sighting | null): readonly string[] {
  if (sighting === null) return [];
  const { state, dueAtMs, record, awaits = [] } = sighting;
  if (state === 'running') return awaits;
  return state === 'delayed' && dueAtMs === null && record !== null ? idsAfter(record.job.options) : [];
}
