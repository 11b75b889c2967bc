/** Owners: the processes that may hold jobs, how they announce themselves, and how they end. */
import { VERSION } from '../../broker/late-code.ts';
import { CHILD_MARK } from '../../broker/worker-side.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { bootId } from '../disk/identity.ts';
import { discard, listIfThere, removeIfEmpty, unlinkIfThere } from '../disk/if-there.ts';
import { ownerName, parseMoveFileName, parseOwnerDirectory } from '../layout.ts';
import { type LifeSocket, listenAs } from './liveness.ts';
import { type OwnerRecord, recordPath, writeRecord } from './owner-record.ts';
import { makeRoom } from '../place/room.ts';
import { isFull } from '../disk/trouble.ts';

export interface Registration {
  readonly owner: string;
  /** Absolute path of the directory that holds its jobs. */
  readonly directory: string;
  /** Says this in the record, besides what was said before. One call at a time. False while that is refused, although the spool works. */
  tell(news: Partial<Pick<OwnerRecord, 'tasks' | 'restarts'>>): Promise<boolean>;
  /** Orderly end, in the order that leaves nothing to recover at any point. */
  release(): Promise<void>;
}

/**
 * Makes this process an owner. On a full disk, spare files and the reserve are given up for that (room.ts): a worker that runs
 * jobs and removes old outcomes makes more room.
 *
 * @throws the system error when it cannot be done
 */
export async function register(context: SpoolContext, about: Parameters<typeof announce>[1]): Promise<Registration> {
  for (;;) {
    try {
      return await announce(context, about);
    } catch (error) {
      if (!isFull(error) || !makeRoom(context)) throw error;
    }
  }
}

/**
 * Makes this process an owner: socket, then record, then directory. So a directory in running/ always has a record and a socket.
 * If we die in between, the sweep finds a socket that refuses connections and removes the rest.
 */
async function announce(
  context: SpoolContext,
  about: Pick<OwnerRecord, 'role' | 'queues' | 'tasks'> &
    Partial<Pick<OwnerRecord, 'parent' | 'slots' | 'limits' | 'sending' | 'restarts'>>,
): Promise<Registration> {
  const { files, layout } = context;
  const owner = ownerName(process.pid, Buffer.from(context.randomBytes(8)).toString('hex'));
  const directory = `${layout.running}/${owner}`;
  let record: OwnerRecord = {
    owner,
    pid: process.pid,
    parent: null,
    slots: 1,
    startedAtMs: context.nowMs(),
    bootId: bootId(files),
    ...(VERSION === null ? {} : { version: VERSION }),
    mark: about.role === 'child' ? (process.env[CHILD_MARK] ?? null) : null,
    ...about,
  };
  const socket = await listenAs(context, owner);
  try {
    await writeRecord(context, record);
    // Were the socket lost in a power cut and the directory not, no process could ever prove that its owner is dead.
    await syncDirectories(context, layout.workers);
    files.makeDirectory(directory);
    // Claims are renames into it: were the directory lost in a power cut, so would they be.
    await syncDirectories(context, layout.running);
  } catch (error) {
    await release(context, owner, socket).catch(() => undefined); // The sweep removes files that the disk does not let us remove now.
    throw error;
  }
  return {
    owner,
    directory,
    tell: (news) => {
      record = { ...record, ...news };
      return context.odd.tryLong(recordPath(context, owner), () => writeRecord(context, record));
    },
    release: () => release(context, owner, socket),
  };
}
/** Whatever fails here, the socket is closed: what is left under our name is then recovered, or swept. */
async function release(context: SpoolContext, owner: string, socket: LifeSocket): Promise<void> {
  const { files, layout } = context;
  // A recoverer of what is left must find us dead, and a missing socket proves nothing: then the name of ours stays.
  let isForgotten = false;
  try {
    // Each step is on disk before the next: after a power cut no directory is left whose owner has no socket.
    await syncIfThere(context, layout.results, layout.delayed, layout.pending);
    // Fenced: the recoverer cleans up. Not empty: what is left is recovered once our socket is closed.
    removeIfEmpty(files, `${layout.running}/${owner}`);
    if (!isNamedInRunning(context, owner) && !isNamedInMoving(context, owner)) {
      await syncIfThere(context, layout.running);
      unlinkIfThere(context.files, recordPath(context, owner));
      isForgotten = true;
    }
  } finally {
    await socket.close(isForgotten);
  }
}

async function syncIfThere(context: SpoolContext, ...directories: readonly string[]): Promise<void> {
  try {
    await syncDirectories(context, ...directories);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error; // The spool is gone, or a part of it is no directory.
  }
}
/** True while a directory in running/ is the owner's own, or was fenced by it and is not recovered yet. */
function isNamedInRunning({ files, layout }: SpoolContext, owner: string): boolean {
  // None where the spool itself is gone.
  return listIfThere(files, layout.running).some((directory) => {
    const held = parseOwnerDirectory(directory);
    return held?.owner === owner || held?.recoverer === owner;
  });
}

/**
 * Removes record and socket of an owner that is dead, unless a directory in running/ still names it, or a note in moving/: whoever takes that
 * over needs to see that the owner is dead. A dead owner makes no new directory, so the answer stays true.
 *
 * The socket goes last: if we die in between, it is refused and the next sweep removes it; a record alone would prove nothing.
 */
export function forgetOwner(context: SpoolContext, owner: string): void {
  if (isNamedInRunning(context, owner) || isNamedInMoving(context, owner)) return;
  discard(context.files, recordPath(context, owner));
  discard(context.files, `${context.layout.workers}/${owner}.sock`);
}

/** True of a process that works at a move to or from another place: who goes on with that needs to see that it is dead. */
export function isNamedInMoving({ files, layout }: SpoolContext, owner: string): boolean {
  return listIfThere(files, layout.moving).some((name) => parseMoveFileName(name)?.owner === owner);
}
