/** The processes that run jobs, with what each is doing: from what their store tells. Pure. */
import type { OwnerInfo, Sighting } from '../../../broker/broker.ts';
import { LOSS_WORDS, type Restarts } from '../../../broker/common/restarts.ts';
import type { LoopDelay, WorkerSummary } from '../../wire-workers.ts';

/** Workers first, each with its children behind it; then those without one. Of each the earliest started first. */
export function workerRows(
  owners: readonly OwnerInfo[],
  running: readonly Sighting[],
  memory: ReadonlyMap<string, number>,
  loops: ReadonlyMap<string, LoopDelay>,
): readonly WorkerSummary[] {
  const held = new Map<string, Sighting[]>();
  for (const job of running) if (job.owner !== null) held.set(job.owner, [...(held.get(job.owner) ?? []), job]);
  return inFamilies(owners).map((owner) => ({
    owner: owner.owner,
    pid: owner.pid,
    host: owner.host ?? null,
    role: owner.role,
    verdict: owner.verdict,
    parent: owner.parent,
    startedAtMs: owner.startedAtMs,
    queues: owner.queues,
    tasks: owner.tasks,
    slots: owner.slots,
    jobs: (held.get(owner.owner) ?? []).map(({ id, record, startedAtMs }) => ({
      id,
      task: record?.job.task ?? null,
      startedAtMs,
    })),
    memoryBytes: memory.get(owner.owner) ?? null,
    version: owner.version ?? null,
    restarts: restartsOf(owner.restarts),
    loop: loops.get(owner.owner) ?? null,
  }));
}

function restartsOf(restarts: Restarts | undefined): WorkerSummary['restarts'] {
  if (restarts === undefined) return null;
  const { count, last } = restarts;
  return { count, last: last === null ? null : { text: LOSS_WORDS[last.why], atMs: last.atMs } };
}

function inFamilies(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const sorted = owners.toSorted((a, b) => a.startedAtMs - b.startedAtMs || a.pid - b.pid);
  const names = new Set(owners.map(({ owner }) => owner));
  const isChild = ({ parent }: OwnerInfo): boolean => parent !== null && names.has(parent);
  return sorted
    .filter((owner) => !isChild(owner))
    .flatMap((owner) => [owner, ...sorted.filter(({ parent }) => parent === owner.owner)]);
}
