/** Which processes are there to run jobs, and what a sender should know of them. Pure. */
import { unreadyText } from '../app/warnings.ts';
import type { OwnerInfo } from '../broker/broker.ts';
import { suggest } from '../job/text.ts';

/** Processes that take jobs and are surely alive. */
export function livingRunners(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const orphans = new Set(orphansAmong(owners));
  return owners.filter((owner) => owner.role !== 'supervisor' && owner.verdict === 'alive' && !orphans.has(owner));
}

/** Children that live and whose worker is dead or gone: they finish the jobs at hand, take no more, and end. */
export function orphansAmong(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const workers = owners.filter(({ role, verdict }) => role === 'supervisor' && verdict !== 'dead');
  return owners.filter(
    (owner) =>
      owner.role === 'child' &&
      owner.parent !== null &&
      owner.verdict === 'alive' &&
      !workers.some((worker) => isChildOf(owner, worker)),
  );
}

export function isChildOf(child: OwnerInfo, worker: OwnerInfo): boolean {
  return child.role === 'child' && child.parent === worker.owner;
}

/** Names of the tasks that living processes know, sorted. */
export function livingTasks(owners: readonly OwnerInfo[]): readonly string[] {
  return [...new Set(livingRunners(owners).flatMap(({ tasks }) => tasks))].toSorted();
}

/** Why no living worker will run the job now, and what becomes of it; null when one may, or when none lives. */
export function mismatchNotice(owners: readonly OwnerInfo[], task: string, queue: string): string | null {
  const runners = livingRunners(owners);
  const tasks = livingTasks(owners);
  if (tasks.length === 0) return null;
  if (!tasks.includes(task)) {
    const near = suggest(task, tasks);
    const hint = near === null ? `they know ${tasks.slice(0, 10).join(', ')}.` : `did you mean ${near}?`;
    return `No running worker knows task ${task}; ${hint} The job waits for a worker that knows it.`;
  }
  if (runners.some(({ queues }) => queues === null || queues.includes(queue))) return null;
  return `No running worker takes jobs of queue ${queue}. The job waits for one that does: \`fsq worker -Q ${queue}\`.`;
}

/** What `fsq get` tells before it waits: that no worker runs; null when one does. */
export function nobodyNotice(owners: readonly OwnerInfo[]): string | null {
  if (livingRunners(owners).length > 0) return null;
  const unready = unreadyText(owners);
  if (unready !== null) return `${unready}. The job waits.`;
  return 'No worker is running on this spool: the job waits until one starts. `fsq worker` starts one.';
}
