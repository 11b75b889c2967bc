/** Forgetting outcomes after their time to live: their files become spare ones, or are removed when there are enough of those. */
import { idTimeMs } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { discard, renameIfThere } from '../disk/if-there.ts';
import { parseResultFileName } from '../layout.ts';
import { emptySpare, isTight } from '../place/room.ts';
import { isFull } from '../disk/trouble.ts';
import { Turns } from '../disk/rounds.ts';
import { recordedIds } from '../journal/checkpoint.ts';

/** Files to a directory in spare/, and directories in spare/ at most: 20,000 files. */
const BATCH = 1_000;
const MOST_BATCHES = 20;

export class Forgetter {
  readonly #context: SpoolContext;
  readonly #ttlMs: number;
  readonly #ages: Ages;

  /** @param ttlMs how long outcomes are kept */
  constructor(context: SpoolContext, ttlMs: number) {
    this.#context = context;
    this.#ttlMs = ttlMs;
    this.#ages = new Ages(ttlMs);
  }

  /**
   * Forgets outcomes of jobs that ended more than their time to live ago, by the wall clock and by the time that was lived through.
   *
   * A batch is gathered in tmp/ and moved to spare/ only when its renames are durable. Were a file written again before that, a
   * power cut could show the new content under the old outcome's name. If we die in between, the sweep of tmp/ moves the batch on.
   */
  async forget(turns: Turns = new Turns()): Promise<void> {
    const context = this.#context;
    const { files, layout, nowMs } = context;
    this.#ages.observe(nowMs(), performance.now());
    const latest = nowMs() - this.#ttlMs;
    // Spare files take up a place on the disk that is needed now.
    if (isTight(context)) emptySpare(context);
    let batch: string[] = [];
    for (const fileName of files.walk(layout.results)) {
      if (turns.isOver) await turns.next();
      const id = parseResultFileName(fileName);
      if (id === null || (isTimed(id) && idTimeMs(id) > latest)) continue;
      const endedAtMs = endOf(context, `${layout.results}/${fileName}`);
      if (endedAtMs === null || endedAtMs > latest || !this.#ages.isOver(endedAtMs)) continue;
      batch.push(fileName);
      if (batch.length < BATCH) continue;
      await retire(context, batch, turns);
      batch = [];
    }
    if (batch.length > 0) await retire(context, batch, turns);
  }
}

/** The id of a job that ended cannot be younger than its end; version 7 ids tell their time without a look at the file. */
function isTimed(id: string): boolean {
  return id[14] === '7';
}

/** Null when it is gone, or cannot be looked at: a broken inode must not keep the outcomes behind it. */
function endOf({ files, odd }: SpoolContext, path: string): number | null {
  if (odd.isLeftAlone(path)) return null;
  try {
    return files.entry(path)?.modifiedAtMs ?? null;
  } catch (error) {
    odd.leaveAlone(path, error);
    return null;
  }
}

/** Those that the journal still names are left for a later round: a power cut would bring their jobs back. */
async function retire(context: SpoolContext, expired: readonly string[], turns: Turns): Promise<void> {
  const { files, layout, odd } = context;
  const recorded = await recordedIds(context);
  const fileNames = expired.filter((fileName) => !recorded.has(parseResultFileName(fileName) ?? ''));
  if (fileNames.length === 0) return;
  const name = context.uniqueName();
  const gathered = `${layout.tmp}/${name}`;
  if (!makeBatch(context, gathered)) {
    for (const fileName of fileNames) {
      const path = `${layout.results}/${fileName}`;
      odd.try(path, () => void discard(context.files, path));
      if (turns.isOver) await turns.next();
    }
    return;
  }
  for (const fileName of fileNames) {
    const from = `${layout.results}/${fileName}`;
    odd.try(from, () => void renameIfThere(files, from, `${gathered}/${fileName}`)); // Another worker may do the same.
    if (turns.isOver) await turns.next();
  }
  await syncDirectories(context, layout.results, gathered);
  files.rename(gathered, `${layout.spare}/${name}`);
}

/** False where the outcomes are to be removed: there are enough spare files, or there is no room for them. */
function makeBatch(context: SpoolContext, path: string): boolean {
  const { files, layout } = context;
  if (files.list(layout.spare).length >= MOST_BATCHES || isTight(context)) return false;
  try {
    files.makeDirectory(path);
    return true;
  } catch (error) {
    if (isFull(error)) return false;
    throw error;
  }
}

/** A difference between the two clocks that is a step, not drift, ms. */
const STEP_MS = 60_000;
/** An age that is doubted, ms: a file is there a year beyond its time only if no worker ran so long, or if the clock is wrong. */
const IMPLAUSIBLE_MS = 365 * 24 * 3_600_000;

interface Reading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * How old a file is, when the wall clock cannot be trusted: it is set by hand, corrected after a boot without a battery, or
 * stands still while a machine sleeps. Only time that was lived through makes a file older. Pure but for what it remembers.
 */
export class Ages {
  readonly #ttlMs: number;
  /** Steps forward: what was written by `untilMs` looks older by `byMs` than it is. */
  readonly #steps: { readonly untilMs: number; readonly byMs: number }[] = [];
  #first: Reading | null = null;
  #last: Reading = { wallMs: 0, monotonicMs: 0 };

  /** @param ttlMs the age at which a file expires */
  constructor(ttlMs: number) {
    this.#ttlMs = ttlMs;
  }

  /** Compares the clocks; to be called before each round of questions. @param monotonicMs of a clock that cannot be set */
  observe(wallMs: number, monotonicMs: number): void {
    const expectedMs = this.#last.wallMs + monotonicMs - this.#last.monotonicMs;
    const byMs = wallMs - expectedMs;
    if (this.#first !== null && byMs > STEP_MS) this.#steps.push({ untilMs: expectedMs, byMs });
    this.#first ??= { wallMs, monotonicMs };
    this.#last = { wallMs, monotonicMs };
  }

  /**
   * True if the file has lived longer than its time. One that seems to have done so for more than a year is given one more
   * life under our eyes: the clock may have been set while no worker ran.
   */
  isOver(modifiedAtMs: number): boolean {
    const { wallMs, monotonicMs } = this.#last;
    const steppedMs = this.#steps.reduce((sum, { untilMs, byMs }) => sum + (modifiedAtMs <= untilMs ? byMs : 0), 0);
    const ageMs = wallMs - modifiedAtMs - steppedMs;
    if (ageMs < this.#ttlMs) return false;
    const watchedMs = monotonicMs - (this.#first?.monotonicMs ?? monotonicMs);
    return ageMs < this.#ttlMs + IMPLAUSIBLE_MS || watchedMs >= this.#ttlMs;
  }
}
