/** A worker's part of the statistics: it counts in memory, writes its file once a second while anything changes, and takes over those of the dead. */
import { type History, NO_HISTORY, sumOfHistories, withCounted } from '../../broker/figures/history.ts';
import { countedIn, type Figures, Tally } from '../../broker/statistics.ts';
import type { SpoolContext } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import { discard, makeDirectory, renameIfThere } from '../disk/if-there.ts';
import { Turns } from '../disk/rounds.ts';
import { type FiguresFile, figuresIn, isHeld } from './read-statistics.ts';
import { figuresFileName, figuresText, readFigures } from './statistics-file.ts';

const EVERY_MS = 1_000;
/** After a write that failed, ms: a full disk has other troubles. */
const AGAIN_MS = 5_000;
/** So many files are taken over in one round: a reader has to know them all. */
const TAKEN_AT_A_TIME = 1_000;

/** What was counted since this process, or its file, began. */
interface Counted {
  readonly tally: Tally;
  history: History;
  sinceMs: number;
  /** Owners whose figures are among these. */
  taken: readonly string[];
}

export class Counting {
  readonly #context: SpoolContext;
  readonly #owner: string;
  #counted: Counted;
  #isWritten = false;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext, owner: string) {
    this.#context = context;
    this.#owner = owner;
    this.#counted = nothing(context);
  }

  /** Never throws, and makes no system call. */
  count(figures: Figures): void {
    const counted = this.#counted;
    counted.tally.add(figures);
    counted.history = withCounted(counted.history, countedIn(figures), this.#context.nowMs());
    // With the polls of the watches, which look at whole seconds: at rest a wake-up costs more than what is done in it.
    this.#writeAfter(EVERY_MS - (performance.now() % EVERY_MS));
  }

  /**
   * Takes over the figures of owners that have ended: of those that have no record in workers/ any more. (One that lives has one. Should that
   * be lost, it finds its own file gone, and begins anew: what it had counted until then is not counted twice.)
   */
  async takeOver(turns: Turns = new Turns()): Promise<void> {
    const all = figuresIn(this.#context);
    if (all.every(({ owner, taker }) => owner === this.#owner && taker === null)) return;
    const taken = new Set([...all.flatMap(({ figures }) => figures?.taken ?? []), ...this.#counted.taken]);
    const ended = this.#endedAmong(all).slice(0, TAKEN_AT_A_TIME);
    const owners = new Set(all.map(({ owner }) => owner));
    for (const file of ended) {
      if (isHeld(file, taken)) this.#remove(file);
      else if (this.#take(file, owners)) for (const owner of this.#counted.taken) taken.add(owner);
      if (turns.isOver) await turns.next();
    }
    const isTold = ended.length === 0 || (await this.#write());
    if (isTold) this.#removeTaken();
  }

  /** What was counted last is written. */
  async close(): Promise<void> {
    if (this.#timer !== null) await this.#write();
    this.#stop();
  }

  /** Of what cannot be read nothing is taken: the doctor tells of it. */
  #endedAmong(all: readonly FiguresFile[]): readonly FiguresFile[] {
    const { files, layout } = this.#context;
    const recorded = new Set(files.list(layout.workers).map((name) => name.replace(/\.(?:json|sock)$/, '')));
    recorded.add(this.#owner);
    return all.filter(({ owner, taker, figures }) => figures !== null && !recorded.has(taker ?? owner));
  }

  /**
   * If we die after the rename, the file counts under its new name, and we are the one that has ended.
   *
   * @param owners all of whom files lie there @returns whether it is ours now
   */
  #take({ fileName, owner }: FiguresFile, owners: ReadonlySet<string>): boolean {
    const { files, layout, odd } = this.#context;
    const name = figuresFileName(owner, this.#owner);
    const [from, to] = [`${layout.statistics}/${fileName}`, `${layout.statistics}/${name}`];
    // One that was taken for dead while it lived has begun another file, which waits for its turn.
    if (files.exists(to) || !odd.try(from, () => void renameIfThere(files, from, to))) return false;
    const reading = readFigures(this.#context, name);
    if (reading.kind !== 'figures') return false;
    const counted = this.#counted;
    const { history, sinceMs, taken, ...figures } = reading.figures;
    counted.tally.add(figures);
    counted.history = sumOfHistories([counted.history, history], this.#context.nowMs());
    counted.sinceMs = Math.min(counted.sinceMs, sinceMs);
    counted.taken = [...new Set([...counted.taken, owner, ...taken.filter((other) => owners.has(other))])];
    this.#writeAfter(EVERY_MS);
    return true;
  }

  /** If we die here, the rest is removed by the next one that takes it: our file names its owner. */
  #removeTaken(): void {
    const counted = this.#counted;
    const rest = new Set<string>();
    for (const file of figuresIn(this.#context)) {
      if (!isHeld(file, new Set(counted.taken))) continue;
      if (file.taker !== this.#owner || !this.#remove(file)) rest.add(file.owner);
    }
    if (counted.taken.length === rest.size) return;
    counted.taken = [...rest];
    this.#writeAfter(EVERY_MS);
  }

  /** A file whose figures another one holds. */
  #remove({ fileName }: FiguresFile): boolean {
    const { files, layout, odd } = this.#context;
    const path = `${layout.statistics}/${fileName}`;
    return odd.try(path, () => void discard(files, path));
  }

  #writeAfter(ms: number): void {
    this.#timer ??= setTimeout(() => void this.#write(), ms).unref();
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** @returns false when that was refused; it is tried again */
  async #write(): Promise<boolean> {
    this.#stop();
    const path = `${this.#context.layout.statistics}/${figuresFileName(this.#owner)}`;
    try {
      if (await this.#context.odd.tryLong(path, () => this.#replace(path))) return true;
    } catch {
      // Of the disk, or the spool: whoever runs jobs meets that too, and tells it.
    }
    this.#writeAfter(AGAIN_MS);
    return false;
  }

  async #replace(path: string): Promise<void> {
    if (this.#isWritten && !this.#context.files.exists(path)) {
      this.#counted = nothing(this.#context);
      this.#isWritten = false;
      return;
    }
    const { tally, history, sinceMs, taken } = this.#counted;
    const { tasks, crashes, restarts } = tally;
    const bytes = Buffer.from(figuresText({ tasks, crashes, restarts, history, sinceMs, taken }));
    await this.#writeNew(bytes, path);
    this.#isWritten = true;
  }

  async #writeNew(bytes: Buffer, path: string): Promise<void> {
    const { files, layout } = this.#context;
    try {
      return await writeNew(this.#context, bytes, path, { isDurable: false });
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    makeDirectory(files, layout.statistics);
    await writeNew(this.#context, bytes, path, { isDurable: false });
  }
}

function nothing({ nowMs }: SpoolContext): Counted {
  return { tally: new Tally(), history: NO_HISTORY, sinceMs: nowMs(), taken: [] };
}
