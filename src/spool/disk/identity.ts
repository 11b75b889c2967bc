/**
 * Which process wrote a file in tmp/, so that what the dead left there can be swept.
 *
 * A producer has no socket as workers have. So the names of its drafts say what the kernel can confirm: pid, start time, and the
 * boot and the namespaces in which these numbers count. A wrong guess could cost an accepted job: two processes may write into
 * the same files when a batch of spare files is swept from a living producer.
 */
import { type Files, hasCode } from './files.ts';

/** Where the death of a writer cannot be proved, what it left counts as left when it was not touched for so long, ms. */
export const UNPROVED_MS = 3_600_000;

/** `<pid>-<start ticks>-<boot>-<namespace>`, the last two as 8 hex digits of a hash. */
export function writerName(files: Files, pid: number): string {
  const ticks = startTicks(files, pid);
  return `${pid}-${typeof ticks === 'number' ? ticks : 0}-${bootHash(files)}-${namespaceHash(files)}`;
}

const WRITER = /^(\d+)-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})\./;

/** True for a name that fsq makes for what a process writes. */
export function namesWriter(fileName: string): boolean {
  return WRITER.test(fileName);
}

/**
 * What is known of the process that wrote `fileName`; null when fsq makes no such name. The writer is dead only if the boot and the
 * namespaces are ours and the pid is free or that of another process. Nothing is proved by values that could not be read, now or
 * when the name was made, nor by another boot: it may be another machine, or a container that shows a boot id of its own
 * (systemd-nspawn does).
 */
export function writerState(files: Files, fileName: string): 'alive' | 'dead' | 'unproved' | null {
  const match = WRITER.exec(fileName);
  if (match === null) return null;
  const [, pid, start, boot, namespace] = match;
  if (boot === UNKNOWN || namespace === UNKNOWN) return 'unproved';
  if (boot !== bootHash(files) || namespace !== namespaceHash(files)) return 'unproved';
  const ticks = startTicks(files, Number(pid));
  if (ticks === 'none') return 'dead';
  if (ticks === 'unknown' || start === '0') return 'unproved';
  return String(ticks) === start ? 'alive' : 'dead';
}

/**
 * The kernel's own id of this boot, or null where it has none (only Linux does), or where something else is mounted in its place:
 * a container's id tells nothing of the machine.
 */
export function bootId(files: Files): string | null {
  const isKernels = readOrNull(() => files.fileSystem(BOOT_ID).type >>> 0 === PROC_SUPER_MAGIC) ?? false;
  return isKernels ? shownBootId(files) : null;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
/** From linux/magic.h. */
const PROC_SUPER_MAGIC = 0x9fa0;

function shownBootId(files: Files): string | null {
  return readOrNull(() => files.readSystemFile(BOOT_ID))?.trim() ?? null;
}

const UNKNOWN = '00000000';

/** Clock ticks after boot at which the process started: field 22 of /proc/<pid>/stat, proc(5). 'none': it has ended. */
function startTicks(files: Files, pid: number): number | 'none' | 'unknown' {
  let fields: readonly string[];
  try {
    fields = statOf(files, pid);
  } catch (error) {
    // The kernel must say the same: /proc hides processes where it is mounted with `hidepid`.
    return hasCode(error, 'ENOENT', 'ESRCH') && isPidFree(pid) ? 'none' : 'unknown';
  }
  // A zombie has ended; only its parent has not looked yet, and may never.
  if (fields[0] === 'Z' || fields[0] === 'X') return 'none';
  const ticks = Number(fields[19]);
  return Number.isFinite(ticks) ? ticks : 'unknown';
}

/**
 * What the kernel says of a process in /proc/<pid>/stat, from the third field on: state, parent, group and so on, proc(5). The second is
 * the command in parentheses, which may hold spaces.
 *
 * @throws the system error when there is no such process, or it may not be looked at
 */
export function statOf(files: Files, pid: number): readonly string[] {
  const stat = files.readSystemFile(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function bootHash(files: Files): string {
  return hash(shownBootId(files));
}

function isPidFree(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

/**
 * Of the pid namespace, and of the time namespace where the kernel has them: start times count from its boot. Unknown where
 * /proc is that of another pid namespace (`unshare --pid` without `--mount-proc`): its numbers are not those of our processes.
 */
function namespaceHash(files: Files): string {
  if (readOrNull(() => files.readLink('/proc/self')) !== String(process.pid)) return UNKNOWN;
  const pid = readOrNull(() => files.readLink('/proc/self/ns/pid'));
  const time = readOrNull(() => files.readLink('/proc/self/ns/time'));
  return hash(pid === null ? null : `${pid} ${time}`);
}

function hash(text: string | null): string {
  if (text === null) return UNKNOWN;
  // Loaded only now: importing the library must not cost it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null; // Not Linux, or no such process: the caller takes null for "not known".
  }
}
