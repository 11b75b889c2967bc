/** What a sender should know of the workers that are there. Pure. */
import type { OwnerInfo } from '../broker/broker.ts';
import { suggest } from '../job/suggest.ts';

/** Processes that run jobs and are surely alive. */
export function livingRunners(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  return owners.filter(({ role, verdict }) => role !== 'supervisor' && verdict === 'alive');
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

/** For who waits: that nobody works. */
export function nobodyNotice(owners: readonly OwnerInfo[]): string | null {
  if (livingRunners(owners).length > 0) return null;
  return 'No worker is running on this spool: the job waits until one starts. `fsq worker` starts one.';
}
