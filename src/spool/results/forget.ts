/**
 * Forgetting outcomes after their time to live. How long that is, the settings say by the state of the job, and the outcome itself where its
 * job or its task said so. Only a read file tells either, so files are read that nothing else decides, each of them once.
 */
import { everyTtlMs, type EndState, type ResultTtlMs } from '../../job/ended/result-ttl.ts';
import { idTimeMs, mayHaveOwnTtl } from '../../job/names.ts';
import type { SpoolContext } from '../disk/context.ts';
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
}

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
    const staying = new Map<string, Terms>();
    // When each ended, as its file says: one that ends anew meanwhile, sent back by somebody, is another outcome.
    const leaving = new Map<string, number>();
    const isStill = (fileName: string): boolean =>
      endOf(context, `${layout.results}/${fileName}`) === leaving.get(fileName);
    const retireAll = async (): Promise<void> => {
      count += (await retireThem(context, [...leaving.keys()], turns, { isStill })).length;
      leaving.clear();
    };
    let count = 0;
    for (const fileName of files.walk(layout.results)) {
      if (turns.isOver) await turns.next();
      const id = parseResultFileName(fileName);
      if (id === null || !this.#isOver(id, fileName, { staying, leaving })) continue;
      if (leaving.size >= BATCH) await retireAll();
    }
    if (leaving.size > 0) await retireAll();
    this.#terms = staying;
    return count;
  }

  #isOver(
    id: string,
    fileName: string,
    { staying, leaving }: { readonly staying: Map<string, Terms>; readonly leaving: Map<string, number> },
  ): boolean {
    const latest = this.#context.nowMs() - this.shortestTtlMs;
    const mayDiffer = mayHaveOwnTtl(id);
    // The job cannot have ended before it was sent.
    if (!mayDiffer && idTimeMs(id) > latest) return false;
    const path = `${this.#context.layout.results}/${fileName}`;
    // Asked in each round: a job that was sent back may have ended anew since the last, so that what is known is of another outcome.
    const endedAtMs = endOf(this.#context, path);
    if (endedAtMs === null || (!mayDiffer && endedAtMs > latest)) return false;
    const known = this.#terms.get(fileName);
    const isKnown = known?.endedAtMs === endedAtMs;
    const usualMs = !mayDiffer && this.#isUniform ? this.shortestTtlMs : null;
    const ttlMs = isKnown ? known.ttlMs : (usualMs ?? this.#ttlOf(id, path));
    if (ttlMs === null) return false;
    if (this.#ages.isOver(endedAtMs, ttlMs)) {
      leaving.set(fileName, endedAtMs);
      return true;
    }
    if (isKnown || (usualMs === null && staying.size < MOST_REMEMBERED)) staying.set(fileName, { endedAtMs, ttlMs });
    return false;
  }

  /** Null when it is gone, or cannot be read now. What is no outcome counts as that of a job that failed. */
  #ttlOf(id: string, path: string): number | null {
    const { odd } = this.#context;
    try {
      const reading = readJob(this.#context, path, id);
      if (reading.kind === 'gone') return null;
      const record = reading.kind === 'job' ? reading.document.record : null;
      return record?.kept.ttlMs ?? this.#ttlMs[record?.outcome?.state ?? 'failed'];
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
