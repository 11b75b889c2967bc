/**
 * The writing side of the journal: many jobs, one wait for the disk.
 *
 * A job's file is written and renamed to where it waits without any fsync; its record in a segment makes it durable. The record is
 * written before the file is seen, both in one turn of the event loop, so that a checkpoint finds both or none.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { NewJob } from '../../broker/broker.ts';
import { basePieces } from '../../job/document.ts';
import { SpoolError } from '../../job/errors.ts';
import type { SpoolContext } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import { textUnits } from '../disk/memory.ts';
import { syncEach } from './checkpoint.ts';
import type { OpenSegment } from './open-segment.ts';
import { bytesOffset, recordBytes, sealRecord } from './segment.ts';
import type { Segments } from './segments.ts';

/** Jobs written before other work of this process gets its turn: a few ms. */
const CHUNK_JOBS = 256;
/** Characters of a base that is recorded; a longer one is fsynced as a file of its own. */
const LARGEST = 65_536;
/** Room for the records of a chunk: one of the largest at least, each of whose characters may take three bytes. */
const ROOM_BYTES = 262_144;

/** How far the jobs of one call came. */
export interface Appended {
  /** So many of them, from the first on, lie where they wait. */
  readonly placed: number;
  /** Those up to here may come back after a power cut; behind it nothing has been done. */
  readonly begun: number;
  /** Why not all were placed; null when they were. */
  readonly error: unknown;
  /** Ends when those that were placed are durable. @throws the system error when that is not sure */
  readonly durable: Promise<void>;
}

/** How jobs are sent without a journal, and where each is to wait. */
export interface OtherWay {
  enqueue(context: SpoolContext, jobs: readonly NewJob[]): Promise<void>;
  placeOf(context: SpoolContext, job: NewJob): { readonly directory: string; readonly fileName: string };
}

interface Part {
  readonly job: NewJob;
  readonly directory: string;
  readonly fileName: string;
  /** The name as a record says it. */
  readonly path: string;
  readonly at: number;
  readonly baseBytes: number;
}

export class Appender {
  readonly #context: SpoolContext;
  readonly #segments: Segments;
  readonly #byFile: OtherWay;
  #room: Buffer | null = null;

  constructor(context: SpoolContext, segments: Segments, byFile: OtherWay) {
    this.#context = context;
    this.#segments = segments;
    this.#byFile = byFile;
  }

  /** One call at a time; the wait for the disk is left to the caller, who may begin the next meanwhile. */
  async append(jobs: readonly NewJob[]): Promise<Appended> {
    const touched = new Set<OpenSegment>();
    const progress = { placed: 0, begun: 0 };
    let error: unknown = null;
    try {
      while (progress.placed < jobs.length) {
        if (progress.placed > 0) await yieldToOthers();
        const parts = this.#encode(jobs, progress.placed);
        if (parts.length === 0) await this.#placeLarge(jobs, progress);
        else await this.#place(parts, progress, touched);
      }
    } catch (caught) {
      error = caught;
    }
    const placed = jobs.slice(0, progress.placed);
    return { ...progress, error, durable: this.#flush(touched, placed) };
  }

  /** Fills the room with the bases of as many jobs as it takes, from `first` on; none when that one is large. */
  #encode(jobs: readonly NewJob[], first: number): readonly Part[] {
    const room = (this.#room ??= Buffer.allocUnsafeSlow(ROOM_BYTES));
    const parts: Part[] = [];
    let at = 0;
    for (let i = first; i < jobs.length && parts.length < CHUNK_JOBS; i++) {
      const job = jobs[i];
      if (job === undefined) break;
      const { directory, fileName } = this.#byFile.placeOf(this.#context, job);
      const path = `${directory === this.#context.layout.pending ? 'pending' : 'delayed'}/${fileName}`;
      const text = basePieces(job.job);
      const units = textUnits(text);
      if (units > LARGEST || at + recordBytes(path, 3 * units) > room.length) break;
      let end = at + bytesOffset(path);
      for (const piece of typeof text === 'string' ? [text] : text) end += room.write(piece, end);
      const baseBytes = end - at - bytesOffset(path);
      parts.push({ job, directory, fileName, path, at, baseBytes });
      at += recordBytes(path, baseBytes);
    }
    return parts;
  }

  /** Drafts, records, renames: if we die before the records, nothing was begun; after them, those that were renamed run. */
  async #place(
    parts: readonly Part[],
    progress: { placed: number; begun: number },
    touched: Set<OpenSegment>,
  ): Promise<void> {
    const { files } = this.#context;
    const room = this.#room ?? Buffer.alloc(0);
    const last = parts.at(-1);
    const bytes = last === undefined ? 0 : last.at + recordBytes(last.path, last.baseBytes);
    let segment: OpenSegment | null;
    // What follows an answer is one turn: nobody frees the segment in between.
    while ((segment = this.#segments.withRoom(bytes)) === null) await this.#segments.advance();
    const drafts: string[] = [];
    const first = progress.placed;
    try {
      for (const part of parts) drafts.push(this.#draft(part, room));
      progress.begun += parts.length;
      // Also when a step below fails: those that were placed before it are answered, and wait for the disk as all do.
      touched.add(segment);
      for (const { at, path, baseBytes } of parts) sealRecord(room, at, segment.generation, path, baseBytes);
      segment.write(room.subarray(0, bytes));
      for (const { directory, fileName } of parts) {
        files.rename(drafts[progress.placed - first] ?? '', `${directory}/${fileName}`);
        progress.placed++;
      }
    } finally {
      for (const draft of drafts.slice(progress.placed - first)) removeQuietly(files, draft);
    }
  }

  #draft({ path: record, at, baseBytes }: Part, room: Buffer): string {
    const { files, draftFiles } = this.#context;
    const { path, fd, oldBytes } = draftFiles.next();
    try {
      const start = at + bytesOffset(record);
      files.write(fd, room.subarray(start, start + baseBytes), 0);
      if (oldBytes > baseBytes) files.truncate(fd, baseBytes);
      return path;
    } catch (error) {
      removeQuietly(files, path);
      throw error;
    } finally {
      files.close(fd);
    }
  }

  /** The next one is large, and perhaps those behind it. */
  async #placeLarge(jobs: readonly NewJob[], progress: { placed: number; begun: number }): Promise<void> {
    const isLarge = ({ job }: NewJob): boolean => textUnits(basePieces(job)) > LARGEST;
    let end = progress.placed + 1;
    for (let next = jobs[end]; next !== undefined && end < progress.placed + 64 && isLarge(next); next = jobs[end])
      end++;
    try {
      await this.#byFile.enqueue(this.#context, jobs.slice(progress.placed, end));
      progress.placed = progress.begun = end;
    } catch (error) {
      progress.begun = error instanceof SpoolError ? progress.placed + error.uncertain.length : end;
      throw error;
    }
  }

  async #flush(touched: ReadonlySet<OpenSegment>, placed: readonly NewJob[]): Promise<void> {
    const segments = [...touched];
    const flushed = await Promise.all(segments.map((segment) => segment.flush()));
    if (!flushed.includes(false)) return;
    // That segment is never synced again: its pages may count as clean and be nowhere on the disk.
    this.#segments.giveUp();
    const isDurable = await syncEach(this.#context, new Set(placed.map(({ job }) => job.id)));
    if (!isDurable) throw segments.find(({ hasFailed }) => hasFailed)?.failure;
  }
}
