/** A worker's part of the statistics: it counts in memory, writes its record each second while anything changes, and takes over those of the dead. */
import { type History, NO_HISTORY, sumOfHistories, withCounted } from '../../broker/figures/history.ts';
import { countedIn, type Figures, Tally } from '../../broker/statistics.ts';
import { listOwners } from '../crew/owner-records.ts';
import type { Engine } from '../engine.ts';
import type { FieldValue } from '../store.ts';
import { figuresText, type KeptFigures, parseKeptFigures, STATISTICS } from './figures-records.ts';

const EVERY_MS = 1_000;
/** After a write that failed, ms. */
const AGAIN_MS = 5_000;
/** How often records of the dead are looked for, ms. */
const TAKE_OVER_MS = 10_000;

interface Counted {
  readonly tally: Tally;
  history: History;
  sinceMs: number;
}

/** A record that was sent and not answered yet, or never: it may be there. */
interface Attempt {
  readonly text: string;
  readonly counted: Counted;
  /** What of it had not been written before. */
  readonly sent: Counted;
}

export class OwnFigures {
  readonly #engine: Engine;
  readonly #owner: string;
  /** What the record says; null: there is none. */
  #written: { readonly text: string; readonly counted: Counted } | null = null;
  #unwritten: Counted;
  #attempt: Attempt | null = null;
  #timer: NodeJS.Timeout | null = null;
  #rounds: NodeJS.Timeout | null = null;
  /** One step after the other; never rejected. */
  #steps: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, owner: string) {
    this.#engine = engine;
    this.#owner = owner;
    this.#unwritten = nothing(engine);
  }

  start(): void {
    this.#rounds = setInterval(() => this.takeOver(), TAKE_OVER_MS);
    this.takeOver();
  }

  /** Never throws, and asks nobody. */
  count(figures: Figures): void {
    const unwritten = this.#unwritten;
    unwritten.tally.add(figures);
    unwritten.history = withCounted(unwritten.history, countedIn(figures), this.#engine.nowMs());
    this.#writeAfter(EVERY_MS);
  }

  /** What was counted last is written. */
  async close(): Promise<void> {
    if (this.#rounds !== null) clearInterval(this.#rounds);
    if (this.#timer !== null) this.#write();
    await this.#steps;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** The figures of owners that have ended. Each counts once: their record goes in the step that adds it to ours. */
  takeOver(): void {
    this.#step(async () => {
      const all = await this.#engine.store.fields(STATISTICS);
      if (all.size === 0 || (all.size === 1 && all.has(this.#owner))) return;
      const owners = await listOwners(this.#engine);
      const living = new Set(owners.filter(({ verdict }) => verdict !== 'dead').map(({ owner }) => owner));
      for (const [owner, text] of all) {
        const figures = living.has(owner) || owner === this.#owner ? null : parseKeptFigures(text);
        if (figures !== null) await this.#take({ field: owner, value: text }, figures);
      }
    });
  }

  async #take(from: FieldValue, figures: KeptFigures): Promise<void> {
    await this.#resolve(true);
    const sum = sumOf([this.#written?.counted, counts(figures)], this.#engine);
    const to = this.#attemptOf(sum, nothing(this.#engine));
    const isTaken = await this.#engine.store.mergeFields(STATISTICS, from, { field: this.#owner, value: to.text });
    if (!isTaken) return this.#resolve(true); // Or it is, and this is the answer to the same command sent once more.
    this.#attempt = null;
    this.#written = to;
  }

  #writeAfter(ms: number): void {
    this.#timer ??= setTimeout(() => this.#write(), ms).unref();
  }

  #write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#step(() => this.#replace());
  }

  /** Whoever runs jobs meets an error, too, and tells it. */
  #step(act: () => Promise<void>): void {
    this.#steps = this.#steps.then(act).catch(() => this.#writeAfter(AGAIN_MS));
  }

  async #replace(): Promise<void> {
    await this.#resolve(false);
    if (this.#unwritten.tally.isEmpty) return;
    const sent = this.#unwritten;
    this.#unwritten = nothing(this.#engine);
    const attempt = this.#attemptOf(sumOf([this.#written?.counted, sent], this.#engine), sent);
    const before = this.#written?.text ?? null;
    if (await this.#engine.store.swapField(STATISTICS, this.#owner, before, attempt.text)) {
      this.#attempt = null;
      this.#written = attempt;
    } else {
      await this.#resolve(true);
      this.#writeAfter(EVERY_MS);
    }
  }

  /** Sees what the record says, where that is not sure. Another may have taken it over, because it took us for dead: then we begin anew. */
  async #resolve(isDoubted: boolean): Promise<void> {
    const attempt = this.#attempt;
    if (attempt === null && !isDoubted) return;
    const there = await this.#engine.store.field(STATISTICS, this.#owner);
    this.#attempt = null;
    if (there === attempt?.text && attempt !== null) {
      this.#written = attempt;
      return;
    }
    if (there !== (this.#written?.text ?? null)) this.#written = null;
    if (attempt !== null) this.#unwritten = sumOf([attempt.sent, this.#unwritten], this.#engine);
  }

  #attemptOf(counted: Counted, sent: Counted): Attempt {
    const { tally, history, sinceMs } = counted;
    const { tasks, crashes, restarts } = tally;
    const text = figuresText({ tasks, crashes, restarts, history, sinceMs });
    return (this.#attempt = { text, counted, sent });
  }
}

function nothing({ nowMs }: Engine): Counted {
  return { tally: new Tally(), history: NO_HISTORY, sinceMs: nowMs() };
}

function counts({ history, sinceMs, ...figures }: KeptFigures): Counted {
  const tally = new Tally();
  tally.add(figures);
  return { tally, history, sinceMs };
}

function sumOf(parts: readonly (Counted | undefined)[], { nowMs }: Engine): Counted {
  const all = parts.filter((part) => part !== undefined);
  const tally = new Tally();
  for (const part of all) tally.add(part.tally);
  const history = sumOfHistories(
    all.map((part) => part.history),
    nowMs(),
  );
  return { tally, history, sinceMs: Math.min(...all.map(({ sinceMs }) => sinceMs)) };
}
