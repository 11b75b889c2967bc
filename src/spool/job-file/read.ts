/** Reads jobs' files, trusting nothing about them, and says exactly why when one is no job. */
import { isAscii, isUtf8 } from 'node:buffer';
import { CorruptJobError, type Document, parseDocument, parseTorn } from '../../job/document.ts';
import type { Job } from '../../job/job.ts';
import { MAX_PAYLOAD_BYTES } from '../../job/values/payload.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasOnlyOurNames } from './file-names.ts';
import { type EntryInfo, hasCode } from '../disk/files.ts';
import { withRoom } from '../disk/memory.ts';

export type Reading =
  | {
      readonly kind: 'job';
      readonly document: Document;
      readonly baseBytes: number;
      readonly sizeBytes: number;
      /** How many names the file has: one, but for what a power cut may leave (one-name.ts). */
      readonly links: number;
      /** When it was last written or renamed. */
      readonly changedAtMs: number;
    }
  | {
      readonly kind: 'corrupt';
      readonly reason: string;
      /** The system's error, where it may be whole: this user may not read it. */
      readonly refusal?: unknown;
    }
  /** There is no such file any more: another process moved it. */
  | { readonly kind: 'gone' };

type Inode = Pick<EntryInfo, 'links' | 'changedAtMs'>;

/** Outcomes may be as large again as jobs. The rest is for headers, options, and attempts with their errors in any language. */
export const MAX_FILE_BYTES: number = 2 * MAX_PAYLOAD_BYTES + 1024 * 1024;

/** @throws the system error unchanged when the file cannot be read for a reason of the disk or of permissions */
export function readJob(context: SpoolContext, path: string, id: string): Reading {
  return readDoubted(context, path, id, MAX_FILE_BYTES, interpret);
}

/**
 * What `interpret` makes of the bytes of a file of the job `id`, unless anything about the file is in doubt. The bytes must not be used
 * after that.
 */
export function readDoubted<T>(
  context: SpoolContext,
  path: string,
  id: string,
  maxBytes: number,
  interpret: (bytes: Buffer, id: string, info: Inode) => T,
): T | Exclude<Reading, { kind: 'job' }> {
  let fd: number;
  try {
    fd = context.files.open(path, 'read');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'gone' };
    if (hasCode(error, 'ELOOP')) return { kind: 'corrupt', reason: 'it is a symbolic link' };
    if (hasCode(error, 'ENXIO')) return { kind: 'corrupt', reason: 'it is not a regular file' };
    if (hasCode(error, 'EACCES', 'EPERM'))
      return { kind: 'corrupt', reason: 'it may not be read by this user', refusal: error };
    throw error;
  }
  try {
    const info = context.files.info(fd);
    if (info.kind !== 'file') return { kind: 'corrupt', reason: 'it is not a regular file' };
    if (context.trustedUids?.has(info.uid) === false)
      return { kind: 'corrupt', reason: `it belongs to user ${info.uid}, who is neither the spool's user nor root` };
    if (info.links === 0) return { kind: 'gone' };
    if (info.links > 1 && !hasOnlyOurNames(context, fd, id))
      return { kind: 'corrupt', reason: `it has ${info.links} links, and not all of them lie in this spool` };
    if (info.sizeBytes > maxBytes)
      return { kind: 'corrupt', reason: `it has ${info.sizeBytes} bytes, more than ${maxBytes}` };
    return withRoom(info.sizeBytes, (room) => interpret(context.files.read(fd, info.sizeBytes, room), id, info));
  } finally {
    context.files.close(fd);
  }
}

/** The same of bytes that stand in no file of a job. */
export function readBytes(bytes: Buffer, id: string): Reading {
  return interpret(bytes, id, { links: 1, changedAtMs: 0 });
}

/** A tail may be cut off anywhere, also inside a character: only the base must be text. */
function interpret(bytes: Buffer, id: string, { links, changedAtMs }: Inode): Reading {
  const isPlain = isAscii(bytes); // Nearly all are, and such bytes are much quicker made a string of.
  const isText = isPlain || isUtf8(bytes);
  // Bytes that are no character become U+FFFD, which takes no fewer bytes: a base with such bytes is never measured too short.
  const text = bytes.toString(isPlain ? 'latin1' : 'utf8');
  try {
    const document = isText ? parseDocument(text, id) : parseTorn(text, id);
    const baseBytes = isPlain ? document.baseEnd : Buffer.byteLength(text.slice(0, document.baseEnd));
    if (!isText && !isUtf8(bytes.subarray(0, baseBytes))) throw new CorruptJobError('it is not UTF-8');
    return { kind: 'job', document, baseBytes, sizeBytes: bytes.length, links, changedAtMs };
  } catch (error) {
    if (error instanceof CorruptJobError) return { kind: 'corrupt', reason: error.message };
    throw error;
  }
}

/** What limits the starts of a job, beside its queue. */
export interface JobKind {
  readonly task: string;
  /** Null: it was sent without one. */
  readonly limitKey: string | null;
}

/** The kinds of jobs. Each job's file is read once, for its kind never changes. */
export class KindsOfJobs {
  readonly #context: SpoolContext;
  readonly #mostKept: number;
  #kinds = new Map<string, JobKind | null>();
  #before = new Map<string, JobKind | null>();

  /** @param mostKept with more than this, those of jobs that were not met of late are forgotten */
  constructor(context: SpoolContext, mostKept: number = Number.POSITIVE_INFINITY) {
    this.#context = context;
    this.#mostKept = mostKept;
  }

  /** Forgets the jobs that were not asked for since the last call. */
  turn(): void {
    this.#before = this.#kinds;
    this.#kinds = new Map();
  }

  /** @returns null when there is no such job at `path`, or none that can be read */
  of(id: string, path: string): JobKind | null {
    const known = this.#recall(id);
    if (known !== undefined) return known;
    const reading = readJob(this.#context, path, id);
    if (reading.kind === 'gone') return null;
    const kind = reading.kind === 'job' ? kindOf(reading.document.record.job) : null;
    this.remember(id, kind);
    return kind;
  }

  /** The same without reading: undefined when the job was not read before. */
  known(id: string): JobKind | null | undefined {
    return this.#recall(id);
  }

  remember(id: string, kind: JobKind | null): void {
    if (this.#kinds.size > this.#mostKept) this.turn();
    this.#kinds.set(id, kind);
  }

  #recall(id: string): JobKind | null | undefined {
    const kind = this.#kinds.get(id) ?? this.#before.get(id);
    if (kind !== undefined) this.remember(id, kind);
    return kind;
  }
}

export function kindOf({ task, options }: Pick<Job, 'task' | 'options'>): JobKind {
  return { task, limitKey: options.limitKey ?? null };
}
