/**
 * Ends what dead processes have left running: processes that the jobs of a dead owner started, and children of a dead worker that
 * stand still. A living worker does this for its own children. Linux only, where /proc shows processes.
 */
import { CHILD_MARK } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Files } from '../disk/files.ts';
import { statOf } from '../disk/identity.ts';
import { readOwner } from '../owners/owner-record.ts';

/** How often it looks at most: each look kills all it finds, and the next one finds what was started in between. */
const MAX_LOOKS = 8;

/**
 * Kills the processes that `owner`, which must be proved dead, has left running; gives how many there were. Never throws.
 *
 * The number of a process group may have been given anew. So a process must show two things: that it is of the owner's group,
 * and, in the environment that the kernel keeps from its start, the owner's mark: 64 random bits that only processes started by the owner
 * know. The kill follows the look at once: for another process to be hit, all process ids would have to be used up in between.
 * A process that was started without that environment, or has moved to a group of its own, lives on.
 */
export function killRemains(context: SpoolContext, owner: string): number {
  if (process.platform !== 'linux') return 0;
  const killed = new Set<number>();
  try {
    const { pid = 0, mark = null } = readOwner(context, owner) ?? {};
    if (mark !== null && owner.startsWith(`${pid}-`) && hasGroup(pid)) killAll(context.files, pid, mark, killed);
  } catch {
    // The record or /proc cannot be read: no proof. The owner's jobs do not wait for that.
  }
  return killed.size;
}

function killAll(files: Files, group: number, mark: string, killed: Set<number>): void {
  for (let look = 0, before = -1; look < MAX_LOOKS && killed.size > before; look++) {
    before = killed.size;
    for (const pid of processes(files))
      if (!killed.has(pid) && isOf(files, pid, group, mark) && kill(pid)) killed.add(pid);
  }
}

/** Nearly always false: then no process has this group, and none is looked at. */
function hasGroup(pid: number): boolean {
  if (pid <= 1) return false; // kill(2) takes -1 for everybody.
  try {
    return process.kill(-pid, 0);
  } catch {
    return false; // ESRCH: there is none. EPERM: it is somebody else's.
  }
}

function processes(files: Files): readonly number[] {
  return files.list('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

/**
 * True if the child `owner` is stopped (SIGSTOP), and its process is surely ours. Its socket answers for ever, so its job is never
 * recovered: its worker or a recoverer has to let it go on.
 */
export function isStopped(context: SpoolContext, owner: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const { pid = 0, mark = null } = readOwner(context, owner) ?? {};
    return mark !== null && pid > 1 && isOf(context.files, pid, pid, mark, (state) => state === 'T');
  } catch {
    return false; // The record cannot be read now: the next look tells.
  }
}

/** Lets a stopped child go on, with all that its job has started. Its worker is dead, so it ends after that job. */
export function letGoOn(context: SpoolContext, owner: string): void {
  const { pid = 0 } = readOwner(context, owner) ?? {};
  try {
    process.kill(-pid, 'SIGCONT');
  } catch {
    // It has just ended.
  }
}

function isOf(
  files: Files,
  pid: number,
  group: number,
  mark: string,
  isWanted: (state: string) => boolean = (state) => state !== 'Z',
): boolean {
  try {
    const [state = '', , itsGroup] = statOf(files, pid);
    if (!isWanted(state) || Number(itsGroup) !== group) return false;
    return files.readSystemFile(`/proc/${pid}/environ`).split('\0').includes(`${CHILD_MARK}=${mark}`);
  } catch {
    return false; // It has ended, or is of a user whose processes may not be looked at: no proof.
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // It has just ended.
  }
}
