/**
 * Removing what lies beside no job any more: an outcome is forgotten without a look at what lies beside it, and this sweep follows. It
 * also removes the checkpoints of jobs that have succeeded, where their last run did not do so itself.
 */
import type { SpoolContext } from '../disk/context.ts';
import { walkIfThere } from '../disk/if-there.ts';
import { Turns } from '../disk/rounds.ts';
import { readJob } from '../job-file/read.ts';
import { BESIDE, type BesideFolder, parseBesideName } from '../layout.ts';
import { endedSpot, locate } from '../locate.ts';
import { removeBeside } from './beside-files.ts';

export class BesideSweep {
  readonly #context: SpoolContext;
  /**
   * Ids of jobs that were nowhere. A job that is sent back from its end while it is looked for may be missed by a look; one that is nowhere
   * in two sweeps is gone.
   */
  #missed: ReadonlySet<string> = new Set();
  /** Ids of jobs that ended, and did not succeed: their outcomes are read once. */
  #unsuccessful: ReadonlySet<string> = new Set();

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  /** Costs a look at each folder while nothing lies there. */
  async sweep(turns: Turns = new Turns()): Promise<void> {
    const open = new Map<string, BesideFolder[]>();
    const unsuccessful = new Set<string>();
    for (const folder of BESIDE) {
      for (const name of walkIfThere(this.#context.files, this.#context.layout[folder])) {
        if (turns.isOver) await turns.next();
        const id = parseBesideName(folder, name);
        if (id === null) continue; // Not ours: `fsq doctor` tells of it.
        if (!this.#hasEnded(id)) open.set(id, [...(open.get(id) ?? []), folder]);
        else if (folder === 'checkpoints' && !this.#hasSucceeded(id)) unsuccessful.add(id);
        else if (folder === 'checkpoints') this.#remove(folder, id);
      }
    }
    this.#unsuccessful = unsuccessful;
    await this.#removeLost(open, turns);
  }

  async #removeLost(open: ReadonlyMap<string, readonly BesideFolder[]>, turns: Turns): Promise<void> {
    const spots = open.size === 0 ? open : await locate(this.#context, new Set(open.keys()));
    const missed = new Set<string>();
    for (const [id, folders] of open) {
      if (turns.isOver) await turns.next();
      if (spots.has(id)) continue;
      if (this.#missed.has(id)) for (const folder of folders) this.#remove(folder, id);
      else missed.add(id);
    }
    this.#missed = missed;
  }

  #hasEnded(id: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(endedSpot(layout, id).path);
  }

  #hasSucceeded(id: string): boolean {
    if (this.#unsuccessful.has(id)) return false;
    const reading = readJob(this.#context, endedSpot(this.#context.layout, id).path, id);
    return reading.kind === 'job' && reading.document.record.outcome?.state === 'succeeded';
  }

  #remove(folder: BesideFolder, id: string): void {
    const { odd, layout } = this.#context;
    odd.try(`${layout[folder]}/${id}`, () => removeBeside(this.#context, folder, id));
  }
}
