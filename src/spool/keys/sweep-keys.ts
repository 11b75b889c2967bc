/**
 * Removing from keys/ what stands for nothing: holders of jobs that have ended, drafts of dead producers, and the directories of
 * keys without a holder. Where a key is used again its producers remove such things; the sweep is for the other keys.
 */
import { idTimeMs } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { discard, listIfThere, removeIfEmpty, walkIfThere } from '../disk/if-there.ts';
import { parseResultFileName, resultFileName } from '../layout.ts';
import { Turns } from '../disk/rounds.ts';
import { locate } from '../locate.ts';
import { type KeyHolder, keyHolderAt, isUndecided, makeVoid, isKeyDirectory } from './key-holders.ts';

/** Directories looked at in a row: about 50 ms. */
const SLICE = 2_000;
/** The next slice follows at once when so great a part of this one was removed. */
const WORTHWHILE = 0.25;
/** A producer takes no longer than this between two of its steps, ms. One that is stopped for longer has to begin anew. */
const UNDECIDED_MS = 60_000;
/**
 * A draft without its holder stays for longer: if its producer made the holder after the draft was gone, and died, the job
 * would seem accepted.
 */
const LONE_DRAFT_MS = 3_600_000;

interface Found {
  /** Holders of jobs that have ended or are lost. */
  readonly spent: KeyHolder[];
  /** Holders of jobs without an outcome. */
  readonly open: KeyHolder[];
  /** How many names each directory holds. */
  readonly left: Map<string, number>;
}

export class KeySweep {
  readonly #context: SpoolContext;
  /** Where the next slice begins, from 0 to 1 of all hashes, which are spread evenly. */
  #from = 0;
  /** Ids of holders whose job was nowhere. It may have been on its way; a job that is nowhere in two sweeps is lost. */
  #missed = new Set<string>();

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  async sweep(turns: Turns = new Turns()): Promise<void> {
    const names = await this.#keyDirectories(turns);
    const width = Math.min(1, SLICE / Math.max(1, names.length));
    for (let done = 0; done < 1; done += width) {
      const slice = names.filter(({ part }) => isBetween(part, this.#from, this.#from + width));
      this.#from = (this.#from + width) % 1;
      const removed = await this.#sweepSlice(
        slice.map(({ path }) => path),
        turns,
      );
      if (removed < slice.length * WORTHWHILE) return;
    }
  }

  async #keyDirectories(turns: Turns): Promise<readonly { readonly path: string; readonly part: number }[]> {
    const { files, layout } = this.#context;
    const found: { path: string; part: number }[] = [];
    for (const name of walkIfThere(files, layout.keys)) {
      if (isKeyDirectory(name)) found.push({ path: `${layout.keys}/${name}`, part: partOf(name) });
      if (turns.isOver) await turns.next();
    }
    return found;
  }

  /** How many of these directories are gone. */
  async #sweepSlice(directories: readonly string[], turns: Turns): Promise<number> {
    const found: Found = { spent: [], open: [], left: new Map() };
    for (const directory of directories) {
      await this.#context.odd.tryLong(directory, () => this.#look(directory, found));
      if (turns.isOver) await turns.next();
    }
    const { spent, open, left } = found;
    spent.push(...(await this.#lostAmong(open)));
    // Else a power cut could bring a job back whose holder is gone.
    if (spent.length > 0) await syncDirectories(this.#context, this.#context.layout.results);
    for (const { path } of spent) {
      discard(this.#context.files, path);
      const directory = path.slice(0, path.lastIndexOf('/'));
      left.set(directory, (left.get(directory) ?? 0) - 1);
      if (turns.isOver) await turns.next();
    }
    let gone = 0;
    for (const directory of directories) {
      if (left.get(directory) === 0 && this.#removeIfEmpty(directory)) gone++;
      if (turns.isOver) await turns.next();
    }
    return gone;
  }

  async #look(directory: string, { spent, open, left }: Found): Promise<void> {
    const { files, layout, nowMs } = this.#context;
    const names = listIfThere(files, directory);
    const drafts = new Set(names.flatMap((name) => parseResultFileName(name) ?? []));
    let gone = 0;
    for (const holder of names.flatMap((name) => keyHolderAt(directory, name) ?? [])) {
      const hasDraft = drafts.delete(holder.id);
      const isOpen = hasDraft && (await isUndecided(this.#context, holder));
      if (isOpen && !(this.#isOlder(holder.id, UNDECIDED_MS) && makeVoid(this.#context, holder))) continue;
      if (hasDraft) gone++;
      if ((files.entry(holder.path)?.sizeBytes ?? 0) > 0) {
        discard(this.#context.files, holder.path);
        gone++;
      } else if (holder.untilMs === null || holder.untilMs <= nowMs()) {
        (files.exists(`${layout.results}/${resultFileName(holder.id)}`) ? spent : open).push(holder);
      }
    }
    for (const id of drafts) {
      if (!this.#isOlder(id, LONE_DRAFT_MS)) continue;
      discard(this.#context.files, `${directory}/${resultFileName(id)}`);
      gone++;
    }
    left.set(directory, names.length - gone);
  }

  async #lostAmong(open: readonly KeyHolder[]): Promise<readonly KeyHolder[]> {
    const old = open.filter(({ id }) => this.#isOlder(id, UNDECIDED_MS));
    if (old.length === 0) return [];
    const spots = await locate(this.#context, new Set(old.map(({ id }) => id)));
    const missing = old.filter(({ id }) => !spots.has(id));
    const lost = missing.filter(({ id }) => this.#missed.delete(id));
    for (const { id } of missing.filter((holder) => !lost.includes(holder))) this.#missed.add(id);
    return lost;
  }

  #isOlder(id: string, ms: number): boolean {
    return this.#context.nowMs() - idTimeMs(id) > ms;
  }

  /** A producer that is about to use the directory makes it again. */
  #removeIfEmpty(directory: string): boolean {
    let isRemoved = false;
    this.#context.odd.try(directory, () => {
      isRemoved = removeIfEmpty(this.#context.files, directory);
    });
    return isRemoved;
  }
}

/** From 0 to 1, by the first 32 bits. */
function partOf(hash: string): number {
  return Number.parseInt(hash.slice(0, 8), 16) / 2 ** 32;
}

/** `to` may lie beyond 1, which is the beginning again. */
function isBetween(part: number, from: number, to: number): boolean {
  return (part >= from && part < to) || part < to - 1;
}
