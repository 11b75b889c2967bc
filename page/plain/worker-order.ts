/** Children of a worker under their supervisor, in the order in which they were started. Pure. */
import type { WorkerSummary } from '../../src/ui/wire-workers.ts';

export interface PlacedWorker {
  readonly worker: WorkerSummary;
  readonly isChild: boolean;
}

/** A child whose supervisor is not there stands alone. */
export function familiesOf(workers: readonly WorkerSummary[]): readonly PlacedWorker[] {
  const byStart = workers.toSorted((a, b) => a.startedAtMs - b.startedAtMs || (a.owner < b.owner ? -1 : 1));
  const owners = new Set(workers.map((worker) => worker.owner));
  const isUnder = (worker: WorkerSummary): boolean =>
    worker.parent !== null && owners.has(worker.parent) && worker.parent !== worker.owner;
  return byStart
    .filter((worker) => !isUnder(worker))
    .flatMap((worker) => [
      { worker, isChild: false },
      ...byStart
        .filter((child) => child.parent === worker.owner && isUnder(child))
        .map((child) => ({ worker: child, isChild: true })),
    ]);
}
