/**
 * The segments of this process.
 *
 * ```text
 *          create                advance                   checkpoint: sync, then free
 *   none ────────► free ─────────────────► current, then full ────────────────────────► free
 *                   └── nothing was recorded for a while, or the spool is closed ──► removed
 * ```
 *
 * One that has failed is left as it is: it frees itself of nothing, and is removed when the process is dead.
 */
import type { SpoolContext } from '../disk/context.ts';
import { makeDirectory, unlinkIfThere } from '../disk/if-there.ts';
import { deadSegments, idsIn, makeDurable, removeSegments } from './checkpoint.ts';
import { OpenSegment } from './open-segment.ts';

/** Segments of a process at most: what a replay takes two seconds for. */
const MOST = 8;
/** So many with records are enough for a checkpoint. */
const MANY = MOST / 2;
/** How long records are left to gather, ms. */
export const CHECKPOINT_EVERY_MS = 2_000;
/** When nothing was recorded for so long, the segments are removed, ms. */
const IDLE_MS = 10_000;
/** How long the journal is not used after an error of its disk, ms. */
const REST_MS = 30_000;
/** Whether a segment is still there is asked after a pause of so long, ms. */
const LOOK_AFTER_MS = 1_000;

interface SegmentsOptions {
  readonly boot: string;
  /** Of each. */
  readonly segmentBytes: number;
  readonly checkpointEveryMs: number;
}

export class Segments {
  readonly #context: SpoolContext;
  readonly #options: SegmentsOptions;
  #all: OpenSegment[] = [];
  #current: OpenSegment | null = null;
  #advancing: Promise<void> | null = null;
  #checkpointing: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** When a chunk was recorded last; until when the journal rests. */
  readonly #times = { usedAt: 0, restsUntil: Number.NEGATIVE_INFINITY };

  constructor(context: SpoolContext, options: SegmentsOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** True when this process has a segment. */
  get isInUse(): boolean {
    return this.#all.length > 0;
  }

  /** True for a while after an error: files are fsynced then. */
  get isResting(): boolean {
    if (this.#current?.hasFailed === true) this.giveUp();
    return performance.now() < this.#times.restsUntil;
  }

  /** Where `bytes` of records go at once, in this turn of the event loop; null: `advance` first. */
  withRoom(bytes: number): OpenSegment | null {
    const segment = this.#current;
    if (segment === null || !segment.hasRoom(bytes)) return null;
    const now = performance.now();
    if (now - this.#times.usedAt > LOOK_AFTER_MS && !segment.isThere()) {
      this.#leave(segment);
      return null;
    }
    this.#times.usedAt = now;
    this.#schedule();
    return segment;
  }

  /** Goes on to a segment without records. @throws the system error when there is none: nothing can be recorded now */
  advance(): Promise<void> {
    const failed = (error: unknown): never => {
      this.giveUp();
      throw error;
    };
    this.#advancing ??= this.#next()
      .catch(failed)
      .finally(() => (this.#advancing = null));
    return this.#advancing;
  }

  /** After an error of the journal's disk. */
  giveUp(): void {
    this.#times.restsUntil = performance.now() + REST_MS;
    this.#current = null;
  }

  /**
   * Makes durable what was recorded before the call, and frees its segments, and those of the dead.
   *
   * @returns false when it is not sure to be durable; nothing is freed then
   */
  checkpoint(): Promise<boolean> {
    this.#checkpointing ??= this.#checkpoint().finally(() => (this.#checkpointing = null));
    return this.#checkpointing;
  }

  /** Leaves nothing behind, unless the disk refuses. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#checkpointing?.catch(() => undefined);
    try {
      if (this.#all.some((segment) => segment.hasRecords)) await this.checkpoint();
    } finally {
      await this.#remove();
    }
  }

  async #next(): Promise<void> {
    const free = this.#all.find((segment) => segment !== this.#current && !segment.hasRecords && !segment.hasFailed);
    if (free === undefined && this.#all.length === MOST) {
      if (!(await this.checkpoint())) throw new Error('the records of the journal cannot be made durable');
      return;
    }
    this.#current = free ?? (await this.#create());
    if (this.#all.filter((segment) => segment.hasRecords).length >= MANY) this.checkpoint().catch(() => undefined); // Tried again.
  }

  async #create(): Promise<OpenSegment> {
    const { layout, uniqueName } = this.#context;
    const { boot, segmentBytes } = this.#options;
    const directory = `${layout.journal}/${boot}`;
    if (!this.isInUse) await makeFolders(this.#context, directory);
    const owner = uniqueName();
    const header = { generation: 1, boot, owner };
    const segment = await OpenSegment.create(this.#context, `${directory}/${owner}`, header, segmentBytes);
    this.#all.push(segment);
    return segment;
  }

  async #checkpoint(): Promise<boolean> {
    const context = this.#context;
    const old = this.#all.filter((segment) => segment.hasRecords);
    if (this.#current?.hasRecords === true) this.#current = null;
    // A segment whose fdatasync has failed: what it records is made durable in another way, below.
    await Promise.all(old.map((segment) => segment.flush()));
    const dead = deadSegments(context, `${context.layout.journal}/${this.#options.boot}`);
    const paths = [...old.map(({ path }) => path), ...dead];
    if (!(await makeDurable(context, () => idsIn(context, paths)))) return false;
    for (const segment of old) await segment.free().catch(() => this.#leave(segment));
    await removeSegments(context, dead);
    return true;
  }

  /** It stays where it is: its records may count. */
  #leave(segment: OpenSegment): void {
    this.#all = this.#all.filter((other) => other !== segment);
    if (this.#current === segment) this.#current = null;
    segment.close().catch(() => undefined); // The kernel does it at the end of the process.
  }

  async #remove(): Promise<void> {
    const all = this.#all;
    this.#all = [];
    this.#current = null;
    for (const segment of all) {
      const isFree = !segment.hasRecords && !segment.hasFailed;
      await segment.close();
      if (isFree) unlinkIfThere(this.#context.files, segment.path);
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => void this.#tick(), this.#options.checkpointEveryMs).unref();
  }

  async #tick(): Promise<void> {
    this.#timer = null;
    try {
      if (this.#all.some((segment) => segment.hasRecords)) await this.checkpoint();
      else if (performance.now() - this.#times.usedAt > IDLE_MS && this.#advancing === null) await this.#remove();
    } catch {
      // Records that are kept for longer cost nothing; the next round tries again.
    }
    if (this.isInUse) this.#schedule();
  }
}

/** The folder of this boot and, in a spool of an older fsq, that of the journal. */
async function makeFolders({ files, layout, directorySync }: SpoolContext, directory: string): Promise<void> {
  makeDirectory(files, layout.journal);
  makeDirectory(files, directory);
  // Whoever made them: that process may not have come to this.
  await Promise.all([layout.root, layout.journal].map((path) => directorySync.sync(path)));
  // A link would lead out of the spool.
  if (files.entry(directory)?.kind !== 'directory') throw new Error(`${directory} is no folder`);
}
