/**
 * A segment of the journal: a file of one process, zeros at first, that says in one place what the process has accepted and settled.
 *
 * ```text
 * fsq-journal 1 <generation> <boot> <owner> <crc32>        the header, filled with spaces to 512 bytes
 * <crc32> <generation> <bytes> pending/<job>               a record: the name that a job's file gets, and all that it holds then
 * {"v":1,…
 * }
 * ```
 *
 * The header's generation counts the uses of the segment. A record of another generation is left from an earlier use, one whose
 * checksum is wrong was not written to its end: the records end before it. So a segment is freed, and all of its records with
 * it, by writing the next generation into its header.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { reasonOf } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { renameIfThere } from '../disk/if-there.ts';
import { type JobName, parseDelayedFileName, parseJobFileName, parseResultFileName } from '../layout.ts';

/** How large a segment is made: room for some three thousand small jobs. */
export const SEGMENT_BYTES = 1_048_576;
/** A sector: a power cut keeps all of it or nothing. */
export const HEADER_BYTES = 512;
/** The most that is read of a segment that another version may have made larger. */
const MOST_BYTES = 16 * SEGMENT_BYTES;
const VERSION = '1';
const MAGIC = 'fsq-journal';
/** A record without its path and its bytes: checksum, generation and length, a space behind each; a newline behind path and bytes. */
const FIXED_BYTES = 9 + 11 + 8 + 2;
/** More than any path of a job takes. */
const LONGEST_LINE = 256;

export interface Header {
  readonly generation: number;
  /** The kernel's id of the boot in which it was written. */
  readonly boot: string;
  readonly owner: string;
}

/** One job that was accepted, sent back or ended: where its file was to lie, and what it was to hold. */
export interface Entry {
  readonly id: string;
  readonly place: 'pending' | 'delayed' | 'results';
  readonly fileName: string;
  /** What the name of a job that waits says; null in results/. */
  readonly name: JobName | null;
  readonly bytes: Buffer;
}

export type Segment =
  | ({ readonly kind: 'segment'; readonly entries: readonly Entry[] } & Header)
  /** Zeros: its making was not finished, and nothing was written into it. */
  | { readonly kind: 'empty' }
  /** No segment that this version can read. */
  | { readonly kind: 'odd'; readonly reason: string }
  | { readonly kind: 'gone' };

/** `<boot>`, or `<boot>~<boot>~<replayer>` while it is replayed. */
const FOLDER = /^[0-9a-f-]{36}(?:~[0-9a-f-]{36}~[0-9a-f.-]+)?$/;

export function isJournalFolder(name: string): boolean {
  return FOLDER.test(name);
}

export function encodeHeader({ generation, boot, owner }: Header): Buffer {
  const text = `${MAGIC} ${VERSION} ${digits(generation, 10)} ${boot} ${owner}`;
  return Buffer.from(`${text} ${checksum(Buffer.from(text))}`.padEnd(HEADER_BYTES - 1).concat('\n'));
}

/** What a record takes, bytes. */
export function recordBytes(path: string, fileBytes: number): number {
  return FIXED_BYTES + path.length + fileBytes;
}

/** Where in its record the bytes of the file begin. */
export function bytesOffset(path: string): number {
  return FIXED_BYTES - 1 + path.length;
}

/** Writes around a file's bytes, which stand in `room` behind the place for their line already, what makes them the record that begins at `at`. */
export function sealRecord(room: Buffer, at: number, generation: number, path: string, fileBytes: number): void {
  const end = at + recordBytes(path, fileBytes);
  room.write(` ${digits(generation, 10)} ${digits(fileBytes, 7)} ${path}\n`, at + 8, 'latin1');
  room[end - 1] = 0x0a;
  room.write(checksum(room.subarray(at + 8, end)), at, 'latin1');
}

/** What a segment's bytes say. */
export function parseSegment(bytes: Buffer): Segment {
  const header = bytes.subarray(0, HEADER_BYTES);
  if (header.every((byte) => byte === 0)) return { kind: 'empty' };
  const text = header.toString('latin1').trimEnd();
  const [magic, version, generation = '', boot = '', owner = '', sum = ''] = text.split(' ');
  if (magic !== MAGIC) return { kind: 'odd', reason: 'it does not begin as a segment of the journal does' };
  if (version !== VERSION)
    return { kind: 'odd', reason: `it is of format ${version ?? ''}, and this fsq knows ${VERSION}` };
  if (sum !== checksum(Buffer.from(text.slice(0, -9), 'latin1')))
    return { kind: 'odd', reason: 'its header is damaged' };
  const entries: Entry[] = [];
  for (let at = HEADER_BYTES; ;) {
    const record = recordAt(bytes, at, Number(generation));
    if (record === null) return { kind: 'segment', generation: Number(generation), boot, owner, entries };
    entries.push(record.entry);
    at = record.end;
  }
}

const LINE = /^([0-9a-f]{8}) (\d{10}) (\d{7}) (\S+?)\/(\S+)$/;

/** Null where the records of this generation end. */
function recordAt(
  bytes: Buffer,
  at: number,
  generation: number,
): { readonly entry: Entry; readonly end: number } | null {
  const lineEnd = bytes.subarray(at, at + LONGEST_LINE).indexOf(0x0a) + at;
  if (lineEnd < at) return null;
  const match = LINE.exec(bytes.toString('latin1', at, lineEnd));
  if (match === null) return null;
  const [, sum, ofGeneration, length, place, fileName = ''] = match;
  const end = lineEnd + 1 + Number(length) + 1;
  if (Number(ofGeneration) !== generation || end > bytes.length) return null;
  if (sum !== checksum(bytes.subarray(at + 8, end))) return null;
  const about = aboutJob(place, fileName);
  return about === null ? null : { entry: { ...about, fileName, bytes: bytes.subarray(lineEnd + 1, end - 1) }, end };
}

/** Null where it is no name that a job's file gets. */
function aboutJob(place: string | undefined, fileName: string): Pick<Entry, 'id' | 'place' | 'name'> | null {
  if (place === 'results') {
    const id = parseResultFileName(fileName);
    return id === null ? null : { id, place, name: null };
  }
  if (place !== 'pending' && place !== 'delayed') return null;
  const name = place === 'pending' ? parseJobFileName(fileName) : (parseDelayedFileName(fileName)?.name ?? null);
  return name === null ? null : { id: name.id, place, name };
}

/** What a disk says of a broken place, and a file system of what it knows to be damaged. */
const BROKEN = ['EIO', 'EUCLEAN', 'EBADMSG'];
/** So often in a row, with a pause between, that is no moment that passes. */
const TRIES = 3;
const AGAIN_MS = 500;
/** What was in the journal and could not be read has a name in corrupt/ that begins so. */
const ASIDE = 'segment.';

/** The same as `readSegment`; what cannot be read for good is no segment. @throws every other error of the system */
export async function readPatiently(context: SpoolContext, path: string): Promise<Segment> {
  const read = (): Segment => {
    try {
      return readSegment(context, path);
    } catch (error) {
      if (hasCode(error, 'EACCES', 'EPERM')) return { kind: 'odd', reason: 'it may not be read by this user' };
      throw error;
    }
  };
  return unlessBroken(read, (reason): Segment => ({ kind: 'odd', reason }));
}

/** The names in `folder`; the reason, a text, when the disk cannot read it for good. @throws every other error of the system */
export async function listPatiently({ files }: SpoolContext, folder: string): Promise<readonly string[] | string> {
  return unlessBroken<readonly string[] | string>(
    () => files.list(folder),
    (reason) => reason,
  );
}

async function unlessBroken<T>(read: () => T, broken: (reason: string) => T): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return read();
    } catch (error) {
      if (!hasCode(error, ...BROKEN)) throw error;
      if (tries === TRIES) return broken(`the disk cannot read it (${reasonOf(error)})`);
    }
    await wait(AGAIN_MS);
  }
}

/** Moves what is no segment out of the journal, untouched; nobody knows which jobs it records. False when it is gone. */
export function setSegmentAside({ files, layout, uniqueName }: SpoolContext, path: string): boolean {
  return renameIfThere(files, path, `${layout.corrupt}/${ASIDE}${uniqueName()}`);
}

/** True for a name in corrupt/ of what lay in the journal. */
export function isSegmentAside(name: string): boolean {
  return name.startsWith(ASIDE);
}

/**
 * Reads what lies at `path`, with every doubt about it.
 *
 * @throws the system error unchanged when the disk refuses, or this user may not read it: then nothing is known of what it holds
 */
export function readSegment({ files, trustedUids }: SpoolContext, path: string): Segment {
  let fd: number;
  try {
    fd = files.open(path, 'read');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'gone' };
    if (hasCode(error, 'ELOOP', 'ENXIO', 'EISDIR')) return { kind: 'odd', reason: 'it is not a plain file' };
    throw error;
  }
  try {
    const { kind, links, uid, sizeBytes } = files.info(fd);
    if (kind !== 'file') return { kind: 'odd', reason: 'it is not a plain file' };
    if (links > 1) return { kind: 'odd', reason: 'it has several names' };
    if (trustedUids?.has(uid) === false)
      return { kind: 'odd', reason: `it belongs to user ${uid}, who is neither the spool's user nor root` };
    return parseSegment(files.read(fd, Math.min(sizeBytes, MOST_BYTES)));
  } finally {
    files.close(fd);
  }
}

function checksum(bytes: Buffer): string {
  // Loaded with the first segment: a start must not pay for it.
  return process.getBuiltinModule('node:zlib').crc32(bytes).toString(16).padStart(8, '0');
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, '0');
}
