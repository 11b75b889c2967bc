/** Waits for jobs that surely do not begin: what the processes of a place tell of it, and who is told. */
import type { Broker, OwnerInfo, Sighting } from '../../broker/broker.ts';
import { currentStage } from '../settings/stage.ts';
import { warnOnce } from './warnings.ts';

type Place = Pick<Broker, 'place' | 'owners' | 'find'>;

/** How long a wait may be silent where no worker lives, ms. */
export const TELL_AFTER_MS = 3_000;

/** Warns after a while if the job surely does not begin then. @returns ends that */
export function tellWhileWaiting(source: Place, id: string): () => void {
  const timer = setTimeout(() => void tellOfStandstill(source, id), TELL_AFTER_MS).unref();
  return () => clearTimeout(timer);
}

/** Warns where the job surely does not begin. */
export async function tellOfStandstill(source: Place, id: string): Promise<void> {
  const still = await lookAt(source, id);
  if (still?.waits === true) warnOnce(`${still.text}.`, 'FSQ_NO_WORKER', source.place);
}

/** Why surely no job begins now, or in which left process this one runs, without a full stop; null where all is well. */
export async function standstillAt(source: Place, id: string): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), REASON_MS)));
  try {
    return (await Promise.race([lookAt(source, id), late]))?.text ?? null;
  } finally {
    clearTimeout(timer);
  }
}

/** How long a wait that is over stays for the reason, ms: a server that is away tells none. */
const REASON_MS = 1_000;

/** A reason to tell somebody who waits for a job. `waits`: the job does not begin. */
interface Standstill {
  readonly text: string;
  readonly waits: boolean;
}

async function lookAt(source: Place, id: string): Promise<Standstill | null> {
  try {
    const owners = await ownersOf(source);
    const text = standstillText(owners, source.place, currentStage()?.spool === source.place);
    if (text === null) return null;
    const left = orphansAmong(owners).length === 0 ? null : orphanText(owners, await source.find(id));
    return left === null ? { text, waits: true } : { text: left, waits: false };
  } catch {
    return null; // The wait itself runs into the same error, and tells it.
  }
}

const asking = new WeakMap<Place, Promise<readonly OwnerInfo[]>>();

/** Waits share one answer: it takes a descriptor for each worker. */
function ownersOf(source: Place): Promise<readonly OwnerInfo[]> {
  const answer = asking.get(source) ?? source.owners().finally(() => asking.delete(source));
  asking.set(source, answer);
  return answer;
}

/**
 * Why no job begins at `place` now, as a sentence without its full stop; null where one may begin.
 *
 * @param isOfTest true for the spool of a test, where nobody starts a worker by hand
 */
export function standstillText(owners: readonly OwnerInfo[], place: string, isOfTest = false): string | null {
  const orphans = orphansAmong(owners);
  if (!owners.every((owner) => owner.verdict === 'dead' || orphans.includes(owner))) return unreadyText(owners);
  return isOfTest
    ? 'No worker runs on the temporary spool now: with `manual` jobs run in drain() only'
    : `No worker is running on ${place}: the job waits until \`fsq worker\` starts one`;
}

/** That the job runs in a child whose worker is gone, without a full stop; null where it does not. */
export function orphanText(owners: readonly OwnerInfo[], sighting: Pick<Sighting, 'owner'> | null): string | null {
  const holder = orphansAmong(owners).find(({ owner }) => owner === sighting?.owner);
  return holder === undefined ? null : `The job runs in process ${processText(holder)}, whose worker is gone`;
}

/** That workers live and none of their children is ready, without a full stop; null where one is, or where no worker lives. */
export function unreadyText(owners: readonly OwnerInfo[]): string | null {
  const workers = owners.filter(({ role, verdict }) => role === 'supervisor' && verdict === 'alive');
  // A child of a worker that is dead takes no more jobs.
  const takesJobs = ({ role, parent, verdict }: OwnerInfo): boolean =>
    verdict !== 'dead' && role !== 'supervisor' && (parent === null || workers.some(({ owner }) => owner === parent));
  if (workers.length === 0 || owners.some(takesJobs)) return null;
  const pids = workers.map(processText).join(', ');
  return workers.length === 1
    ? `A worker (pid ${pids}) runs but none of its children is ready: see its log`
    : `${workers.length} workers (pid ${pids}) run but none of their children is ready: see their logs`;
}

/** The number of a process, and its machine where that may be another one: '12 on db1'. */
export function processText({ pid, host }: Pick<OwnerInfo, 'pid' | 'host'>): string {
  return host === undefined ? String(pid) : `${pid} on ${host}`;
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
