/**
 * Forgetting outcomes after their time to live. How long that is, the settings say by the state of the job, and the outcome itself where its
 * job or its task said so. Only a read file tells either, so files are read that nothing else decides, each of them once.
 */
import { everyTtlMs, type EndState, type ResultTtlMs } from '../../job/ended/result-ttl.ts';
import { idTimeMs, mayHaveOwnTtl } from '../../job/names.ts';
import type { SpoolContext } from '../disk/context.ts';
import { stillNeeded } from '../after/needed.ts';
import { Turns } from '../disk/rounds.ts';
import { readJob } from '../job-file/read.ts';
import { parseResultFileName } from '../layout.ts';
import { emptySpare, isTight } from '../place/room.ts';
import { Ages } from './ages.ts';
import { BATCH, retire } from './retire.ts';

/** More outcomes than this are not remembered but read again in each round: so many take 18 MB. */
const MOST_REMEMBERED = 100_000;

/** What was read of an outcome. */
interface Terms {
  /** Of its file, which tells whether it is the same outcome still. */
  readonly endedAtMs: number;
  readonly ttlMs: number;
  /** The jobs that may take its value. */
  readonly next: readonly string[];
}

/** What becomes of the outcomes that a round meets, by their file names. */
interface Sorted {
  readonly staying: Map<string, Terms>;
  /** When each ended, as its file says: one that ends anew meanwhile, sent back by somebody, is another outcome. */
  readonly leaving: Map<string, number>;
  /** Their time is over, and other jobs may need them. */
  readonly inDoubt: Map<string, Terms>;
}

const NO_IDS: readonly string[] = [];

export class Forgetter {
  readonly shortestTtlMs: number;
  readonly #context: SpoolContext;
  readonly #ttlMs: Readonly<Record<EndState, number>>;
  /** True where the settings say the same of every state. */
  readonly #isUniform: boolean;
  readonly #ages = new Ages();
  readonly #monotonicMs: () => number;
  /** By file name: of the outcomes that were read and that stay. */
  #terms: ReadonlyMap<string, Terms> = new Map();

  /** @param ttl how long outcomes are kept that do not say it themselves */
  constructor(context: SpoolContext, ttl: ResultTtlMs, monotonicMs = (): number => performance.now()) {
    this.#monotonicMs = monotonicMs;
    this.#context = context;
    this.#ttlMs = everyTtlMs(ttl);
    const all = Object.values(this.#ttlMs);
    this.shortestTtlMs = Math.min(...all);
    this.#isUniform = all.every((ms) => ms === this.shortestTtlMs);
  }

  /**
   * Forgets outcomes of jobs that ended more than their time to live ago, by the wall clock and by the time that was lived through.
   *
   * @param retireThem what becomes of those whose time is over, a batch at a time; gives how many are gone
   * @returns how many are gone
   */
  async forget(turns: Turns = new Turns(), retireThem: typeof retire = retire): Promise<number> {
    const context = this.#context;
    const { files, layout, nowMs } = context;
    this.#ages.observe(nowMs(), this.#monotonicMs());
    // Spare files take up a place on the disk that is needed now.
    if (isTight(context)) emptySpare(context);
    const sorted: Sorted = { staying: new Map(), leaving: new Map(), inDoubt: new Map() };
    const { leaving } = sorted;
    const isStill = (fileName: string): boolean =>
      endOf(context, `${layout.results}/${fileName}`) === leaving.get(fileName);
    const retireAll = async (): Promise<void> => {
      const names = [...leaving.keys()];
      for (let from = 0; from < names.length; from += BATCH)
        count += (await retireThem(context, names.slice(from, from + BATCH), turns, { isStill })).length;
      leaving.clear();
    };
    let count = 0;
    for (const fileName of files.walk(layout.results)) {
      if (turns.isOver) await turns.next();
      const id = parseResultFileName(fileName);
      if (id !== null) this.#sort(id, fileName, sorted);
      if (leaving.size >= BATCH) await retireAll();
    }
    await this.#decide(sorted, turns);
    if (leaving.size > 0) await retireAll();
    this.#terms = sorted.staying;
    return count;
  }

  /** One search tells of all that are in doubt, and usually none is. */
  async #decide({ staying, leaving, inDoubt }: Sorted, turns: Turns): Promise<void> {
    const needed = await stillNeeded(this.#context, inDoubt, turns);
    for (const [fileName, terms] of inDoubt)
      if (!needed.has(fileName)) leaving.set(fileName, terms.endedAtMs);
      else if (staying.size < MOST_REMEMBERED) staying.set(fileName, terms);
  }

  #sort(id: string, fileName: string, { staying, leaving, inDoubt }: Sorted): void {
    const latest = this.#context.nowMs() - this.shortestTtlMs;
    const mayDiffer = mayHaveOwnTtl(id);
    // The job cannot have ended before it was sent.
    if (!mayDiffer && idTimeMs(id) > latest) return;
    const path = `${this.#context.layout.results}/${fileName}`;
    // Asked in each round: a job that was sent back may have ended anew since the last, so that what is known is of another outcome.
    const endedAtMs = endOf(this.#context, path);
    if (endedAtMs === null || (!mayDiffer && endedAtMs > latest)) return;
    const known = this.#terms.get(fileName);
    const isKnown = known?.endedAtMs === endedAtMs;
    const usual = !mayDiffer && this.#isUniform ? this.#alike(endedAtMs) : null;
    const terms = isKnown ? known : (usual ?? this.#read(id, path, endedAtMs));
    if (terms === null) return;
    if (this.#ages.isOver(endedAtMs, terms.ttlMs)) {
      if (terms.next.length > 0) inDoubt.set(fileName, terms);
      else leaving.set(fileName, endedAtMs);
    } else if (isKnown || (usual === null && staying.size < MOST_REMEMBERED)) staying.set(fileName, terms);
  }

  /** Of an outcome of which nothing has to be read. */
  #alike(endedAtMs: number): Terms {
    return { endedAtMs, ttlMs: this.shortestTtlMs, next: NO_IDS };
  }

  /** Null when it is gone, or cannot be read now. What is no outcome counts as that of a job that failed. */
  #read(id: string, path: string, endedAtMs: number): Terms | null {
    const { odd } = this.#context;
    try {
      const reading = readJob(this.#context, path, id);
      if (reading.kind === 'gone') return null;
      const record = reading.kind === 'job' ? reading.document.record : null;
      const ttlMs = record?.kept.ttlMs ?? this.#ttlMs[record?.outcome?.state ?? 'failed'];
      return { endedAtMs, ttlMs, next: record?.job.options.next ?? NO_IDS };
    } catch (error) {
      odd.leaveAlone(path, error);
      return null;
    }
  }
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
