/**
 * Which process wrote a file in tmp/, so that what the dead left there can be swept.
 *
 * A producer holds no proof of life as workers do, so its name says what the kernel can confirm: pid, start time, boot and
 * the namespaces in which these numbers count. A wrong guess could cost an
 * accepted job: a batch of spare files swept from a living producer may be written by two at once.
 */
import { type Files, hasCode } from './files.ts';

/** `<pid>-<start ticks>-<boot>-<namespace>`, the last two as 8 hex digits of a hash. */
export function writerName(files: Files, pid: number): string {
  const ticks = startTicks(files, pid);
  return `${pid}-${typeof ticks === 'number' ? ticks : 0}-${bootHash(files)}-${namespaceHash(files)}`;
}

/**
 * True only if the writer is surely dead: its boot is over, or its pid is free or somebody else's. What could not be read, now
 * or when the name was made, proves nothing: a process without descriptors must not take the living for dead.
 */
export function isWriterDead(files: Files, fileName: string): boolean {
  const match = /^(\d+)-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})\./.exec(fileName);
  if (match === null) return false;
  const [, pid, start, boot, namespace] = match;
  const now = bootHash(files);
  if (now === UNKNOWN || boot === UNKNOWN) return false;
  if (boot !== now) return true;
  if (namespace === UNKNOWN || namespace !== namespaceHash(files)) return false;
  const ticks = startTicks(files, Number(pid));
  if (ticks === 'none') return true;
  return ticks !== 'unknown' && start !== '0' && String(ticks) !== start;
}

/** The kernel's id of this boot, or null where it has none (only Linux does). */
export function bootId(files: Files): string | null {
  return readOrNull(() => files.readSystemFile('/proc/sys/kernel/random/boot_id'))?.trim() ?? null;
}

const UNKNOWN = '00000000';

/** Clock ticks after boot at which the process started: field 22 of /proc/<pid>/stat, proc(5). 'none': it has ended. */
function startTicks(files: Files, pid: number): number | 'none' | 'unknown' {
  let stat: string;
  try {
    stat = files.readSystemFile(`/proc/${pid}/stat`);
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ESRCH') ? 'none' : 'unknown';
  }
  // The second field is the command in parentheses and may hold spaces: count from the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not looked yet, and may never.
  if (fields[0] === 'Z' || fields[0] === 'X') return 'none';
  const ticks = Number(fields[19]);
  return Number.isFinite(ticks) ? ticks : 'unknown';
}

function bootHash(files: Files): string {
  return hash(bootId(files));
}

/** Of the pid namespace, and of the time namespace where the kernel has them: start times count from its boot. */
function namespaceHash(files: Files): string {
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

function readOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null; // Not Linux, or no such process: the caller takes null for "not known".
  }
}
