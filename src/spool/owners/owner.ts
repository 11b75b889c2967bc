/** Owners: the processes that may hold jobs, how they announce themselves, and what is known of their life. */
import type { OwnerInfo } from '../../broker/broker.ts';
import { VERSION } from '../../broker/late-code.ts';
import { readSendingOfTasks, type SendingOfTasks } from '../../broker/task-sending.ts';
import { CHILD_MARK } from '../../broker/worker-side.ts';
import { hasRules, type LimitRules, readRules, writtenRules } from '../../job/queue-limits.ts';
import { isRecord, reasonOf } from '../../job/values/realm.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { fileSystemOf } from '../place/file-system.ts';
import { hasCode } from '../disk/files.ts';
import { bootId } from '../disk/identity.ts';
import { discard, listIfThere, readIfThere, removeIfEmpty, unlinkIfThere } from '../disk/if-there.ts';
import { isOwnerName, ownerName, parseMoveFileName, parseOwnerDirectory } from '../layout.ts';
import { type LifeSocket, listenAs, MISSING, probe, type Verdict } from './liveness.ts';
import { makeRoom } from '../place/room.ts';
import { isFull, isPassing } from '../disk/trouble.ts';

/** What an owner says of itself in workers/<owner>.json. */
export interface OwnerRecord {
  readonly owner: string;
  readonly pid: number;
  /** Of a worker's child: the name of its worker as an owner. A process id would not do: several containers have a process 1. */
  readonly parent: string | null;
  readonly role: OwnerInfo['role'];
  readonly startedAtMs: number;
  /** Null where the kernel has no id of its boot. */
  readonly bootId: string | null;
  readonly queues: readonly string[] | null;
  readonly tasks: readonly string[];
  /** What these tasks say of where their jobs wait; absent: nothing. */
  readonly sending?: SendingOfTasks;
  /** How many jobs it runs at once. */
  readonly slots: number;
  /** Of its fsq; absent where it does not know. */
  readonly version?: string;
  /** The limits that it heeds; absent: none. */
  readonly limits?: LimitRules;
  /** What every process that it starts has in its environment, as CHILD_MARK; null when there is no such mark. */
  readonly mark: string | null;
}

export interface Registration {
  readonly owner: string;
  /** Absolute path of the directory that holds its jobs. */
  readonly directory: string;
  /** Says in the record which tasks this process knows. False while that is refused, although the spool works. */
  announce(tasks: readonly string[]): Promise<boolean>;
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
    Partial<Pick<OwnerRecord, 'parent' | 'slots' | 'limits' | 'sending'>>,
): Promise<Registration> {
  const { files, layout } = context;
  const owner = ownerName(process.pid, Buffer.from(context.randomBytes(8)).toString('hex'));
  const directory = `${layout.running}/${owner}`;
  const record: OwnerRecord = {
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
    announce: (tasks) =>
      context.odd.tryLong(recordPath(context, owner), () => writeRecord(context, { ...record, tasks })),
    release: () => release(context, owner, socket),
  };
}

function writeRecord(context: SpoolContext, record: OwnerRecord): Promise<void> {
  const { limits, sending, ...rest } = record;
  const written = {
    ...rest,
    ...(limits === undefined || !hasRules(limits) ? {} : { limits: writtenRules(limits) }),
    ...(sending === undefined || sending.size === 0 ? {} : { sending: [...sending] }),
  };
  const bytes = Buffer.from(`${JSON.stringify({ v: 1, ...written })}\n`);
  return writeNew(context, bytes, recordPath(context, record.owner), { isDurable: false });
}

function recordPath({ layout }: SpoolContext, owner: string): string {
  return `${layout.workers}/${owner}.json`;
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

/** Null when there is no whole record of that name, or none that can be read: then the socket alone decides. */
export function readOwner(context: SpoolContext, owner: string): OwnerRecord | null {
  try {
    const text = readIfThere(context.files, recordPath(context, owner), MAX_RECORD_BYTES);
    return text === null ? null : parseOwner(text, owner);
  } catch (error) {
    if (isPassing(error)) throw error;
    return null;
  }
}

const MAX_RECORD_BYTES = 1024 * 1024;

/**
 * What can be proved of `owner`. An owner of which nothing is sure counts as alive, because taking a live owner's jobs would run
 * them twice. It is dead only if the kernel refuses its socket, or if the socket is missing and the machine has booted since. A
 * socket that answers proves life whatever the record says: containers may show a boot id of their own (systemd-nspawn does).
 */
export async function verdictOf(context: SpoolContext, owner: string): Promise<Verdict> {
  const verdict = await probe(context, owner);
  if (verdict.verdict === 'alive') return verdict;
  const isMissing = verdict.verdict === 'unknown' && verdict.reason === MISSING;
  if (verdict.verdict === 'unknown' && !(isMissing && isOfAnEarlierBoot(context, owner))) return verdict;
  return doubtOf(context, owner) ?? { verdict: 'dead' };
}

/**
 * Why a refusal proves nothing here, or null when it does. connect(2) also refuses what is no socket; and the kernel of
 * this machine knows nothing of a process of another that uses the same files.
 */
function doubtOf({ files, layout }: SpoolContext, owner: string): Verdict | null {
  try {
    const { kind } = files.entry(`${layout.workers}/${owner}.sock`) ?? { kind: 'socket' };
    if (kind !== 'socket') return { verdict: 'unknown', reason: 'what lies in place of its socket is none' };
    const system = fileSystemOf(files.fileSystem(layout.workers).type);
    if (system.kind === 'network' || system.kind === 'fuse')
      return { verdict: 'unknown', reason: `on ${system.name} other machines may use the spool too` };
    return null;
  } catch (error) {
    return { verdict: 'unknown', reason: reasonOf(error) };
  }
}

function isOfAnEarlierBoot(context: SpoolContext, owner: string): boolean {
  try {
    const recorded = readOwner(context, owner)?.bootId ?? null;
    const boot = bootId(context.files);
    return recorded !== null && boot !== null && recorded !== boot;
  } catch {
    return false; // Not known: no descriptor is left, for example.
  }
}

/** How many sockets are asked at a time: each takes two descriptors, and a few workers may have a thousand children. */
const ASKED_AT_A_TIME = 64;

/** Workers, their children and consumers that have announced themselves, dead or alive. */
export async function listOwners(context: SpoolContext): Promise<readonly OwnerInfo[]> {
  const found = await askAll(recordedOwners(context), (owner) => infoOf(context, owner));
  return found.flatMap((info) => (info === null || isHelper(context, info) ? [] : [info]));
}

/** True of a process that repairs the spool, or moves jobs: it is no worker, and what a dead one moved waits for no worker. */
function isHelper(context: SpoolContext, { owner, role, queues, verdict }: OwnerInfo): boolean {
  if (role !== 'supervisor' || queues?.length !== 0) return false;
  return verdict === 'alive' || isNamedInMoving(context, owner);
}

/** The names of all owners that have a record, dead or alive. */
export function recordedOwners({ files, layout }: SpoolContext): readonly string[] {
  return files.list(layout.workers).flatMap((file) => {
    const owner = file.slice(0, -'.json'.length);
    return file.endsWith('.json') && isOwnerName(owner) ? [owner] : [];
  });
}

/** Asks about each of these owners, a few at a time. */
export async function askAll<T>(owners: readonly string[], ask: (owner: string) => Promise<T>): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let i = 0; i < owners.length; i += ASKED_AT_A_TIME)
    answers.push(...(await Promise.all(owners.slice(i, i + ASKED_AT_A_TIME).map(ask))));
  return answers;
}

async function infoOf(context: SpoolContext, owner: string): Promise<OwnerInfo | null> {
  const record = readOwner(context, owner);
  if (record === null) return null;
  const { verdict } = await verdictOf(context, owner);
  const { bootId: _, mark: __, ...info } = record;
  return { ...info, verdict };
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
function isNamedInMoving({ files, layout }: SpoolContext, owner: string): boolean {
  return listIfThere(files, layout.moving).some((name) => parseMoveFileName(name)?.owner === owner);
}

function parseOwner(text: string, owner: string): OwnerRecord | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null; // Not whole: then the socket alone decides.
  }
  if (!isRecord(parsed) || parsed['owner'] !== owner) return null;
  const { pid, parent, role, startedAtMs, bootId: boot, queues, tasks, sending, slots, limits, mark, version } = parsed;
  const isText = (value: unknown): value is string => typeof value === 'string';
  return {
    owner,
    pid: Number(pid),
    parent: isText(parent) && isOwnerName(parent) ? parent : null,
    role: role === 'supervisor' || role === 'consumer' ? role : 'child',
    startedAtMs: Number(startedAtMs),
    bootId: isText(boot) ? boot : null,
    queues: Array.isArray(queues) ? queues.filter(isText) : null,
    tasks: Array.isArray(tasks) ? tasks.filter(isText) : [],
    ...(sending === undefined ? {} : { sending: readSendingOfTasks(sending) }),
    slots: typeof slots === 'number' && Number.isInteger(slots) && slots > 0 ? slots : 1,
    ...(limits === undefined ? {} : { limits: readRules(limits) }),
    mark: isText(mark) ? mark : null,
    ...(isText(version) ? { version } : {}),
  };
}
