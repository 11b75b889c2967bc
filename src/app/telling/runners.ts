/** The processes that run jobs: which surely live, what they know, and what that means for a job that waits. Pure. */
import { isAddress } from '../../broker/broker-address.ts';
import type { OwnerInfo, Sighting } from '../../broker/broker.ts';
import type { TaskSending } from '../../broker/task-sending.ts';
import { EXEC_TASK } from '../../job/names.ts';
import { suggest } from '../../job/text.ts';
import { isChildOf, orphansAmong, orphanText, processText, unreadyText } from './standstill.ts';

/** Processes that take jobs and are surely alive. */
export function livingRunners(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const orphans = new Set(orphansAmong(owners));
  return owners.filter((owner) => owner.role !== 'supervisor' && owner.verdict === 'alive' && !orphans.has(owner));
}

/** Workers that are surely alive, and processes that take jobs without one. A worker's children are none, however many it has. */
export function livingWorkers(owners: readonly OwnerInfo[]): readonly OwnerInfo[] {
  const supervisors = owners.filter(({ role, verdict }) => role === 'supervisor' && verdict === 'alive');
  const alone = livingRunners(owners).filter((runner) => !supervisors.some((other) => isChildOf(runner, other)));
  return [...supervisors, ...alone];
}

/** Names of the tasks that living processes know, sorted. */
export function livingTasks(owners: readonly OwnerInfo[]): readonly string[] {
  return [...new Set(livingRunners(owners).flatMap(({ tasks }) => tasks))].toSorted();
}

/** What living workers tell of where jobs of `task` wait, as the one says that started last, for it has the newest code; {} when none does. */
export function livingSending(owners: readonly OwnerInfo[], task: string): TaskSending {
  const knowing = livingRunners(owners).filter(({ tasks }) => tasks.includes(task));
  const [newest] = knowing.toSorted((a, b) => b.startedAtMs - a.startedAtMs);
  return newest?.sending?.get(task) ?? {};
}

/** Why no living worker will run the job now, and what becomes of it; null when one may, or when none lives. */
export function mismatchNotice(owners: readonly OwnerInfo[], task: string, queue: string): string | null {
  const runners = livingRunners(owners);
  const tasks = livingTasks(owners);
  if (tasks.length === 0) return null;
  if (!tasks.includes(task)) {
    if (task === EXEC_TASK)
      return 'No running worker allows commands. The job waits for one that does: `fsq worker --allow-exec`.';
    const near = suggest(task, tasks);
    const hint = near === null ? `they know ${tasks.slice(0, 10).join(', ')}.` : `did you mean ${near}?`;
    return `No running worker knows task ${task}; ${hint} The job waits for a worker that knows it.`;
  }
  if (runners.some(({ queues }) => queues === null || queues.includes(queue))) return null;
  return `No running worker takes jobs of queue ${queue}. The job waits for one that does: \`fsq worker -Q ${queue}\`.`;
}

/** What somebody hears who has just sent a job: why it does not begin now; null when a worker may run it. @param place of the jobs */
export function sentNotice(owners: readonly OwnerInfo[], task: string, queue: string, place: string): string | null {
  const nobody = nobodyNotice(owners, null, place);
  if (nobody === null) return mismatchNotice(owners, task, queue);
  return task === EXEC_TASK ? `${nobody} It must allow commands: \`fsq worker --allow-exec\`.` : nobody;
}

/**
 * What `fsq get` tells before it waits: that no worker runs, or that the job runs in what is left of one; null when one does.
 *
 * @param place of the jobs; an address is named
 */
export function nobodyNotice(
  owners: readonly OwnerInfo[],
  sighting: Sighting | null = null,
  place = '',
): string | null {
  if (livingRunners(owners).length > 0) return null;
  const running = orphanText(owners, sighting);
  if (running !== null) return `${running}.`;
  const unready = unreadyText(owners);
  if (unready !== null) return `${unready}. The job waits.`;
  const pids = sighting === null ? orphansAmong(owners).map(processText) : [];
  const but = pids.length === 0 ? '' : `, and what is left of one (pid ${pids.join(', ')}) ends the jobs at hand only`;
  const where = isAddress(place) ? place : 'this spool';
  return `No worker is running on ${where}${but}: the job waits until one starts. \`fsq worker\` starts one.`;
}
