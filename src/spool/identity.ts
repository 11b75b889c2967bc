/**
 * Which process wrote a file in tmp/, so that what the dead left there can be swept.
 *
 * A producer holds no proof of life as workers do, so its name says what the kernel can confirm: pid, start time, boot and
 * the namespaces in which these numbers count. Wrong guesses are harmless: whoever loses its file in tmp/ sees ENOENT at the rename and rejects.
 */
import { createHash } from 'node:crypto';
import type { Files } from './files.ts';

/** `<pid>-<start ticks>-<boot>-<namespace>`, the last two as 8 hex digits of a hash. */
export function writerName(files: Files, pid: number): string {
  return `${pid}-${startTicks(files, pid) ?? 0}-${bootHash(files)}-${namespaceHash(files)}`;
}

/** True only if the writer is surely dead: its boot is over, or its pid is free or somebody else's. */
export function isWriterDead(files: Files, fileName: string): boolean {
  const match = /^(\d+)-(\d+)-([0-9a-f]{8})-([0-9a-f]{8})\./.exec(fileName);
  if (match === null) return false;
  const [, pid, start, boot, namespace] = match;
  const now = bootHash(files);
  if (now === UNKNOWN) return false;
  if (boot !== now) return true;
  if (namespace !== namespaceHash(files)) return false;
  return String(startTicks(files, Number(pid)) ?? -1) !== start;
}

/** The kernel's id of this boot, or null where it has none (only Linux does). */
export function bootId(files: Files): string | null {
  return readOrNull(() => files.readSystemFile('/proc/sys/kernel/random/boot_id'))?.trim() ?? null;
}

const UNKNOWN = '00000000';

/** Clock ticks after boot at which the process started: field 22 of /proc/<pid>/stat, proc(5). Null when there is none. */
function startTicks(files: Files, pid: number): number | null {
  const stat = readOrNull(() => files.readSystemFile(`/proc/${pid}/stat`));
  // The second field is the command in parentheses and may hold spaces: count from the last parenthesis.
  const field = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return field === undefined ? null : Number(field);
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
  return text === null ? UNKNOWN : createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function readOrNull(read: () => string): string | null {
  try {
    return read();
  } catch {
    return null; // Not Linux, or no such process: the caller takes null for "not known".
  }
}
