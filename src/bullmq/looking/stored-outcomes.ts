/** Reading outcomes, and waiting for them: a hint when one is there, and a look at all that are waited for every now and then. */
import { OutcomeWaits } from '../../broker/common/outcome-waits.ts';
import { UnknownJobError } from '../../job/errors.ts';
import type { JobRecord } from '../../job/job.ts';
import { ENDED, parseEndedWord, type ToldEnd } from '../ended/ended-word.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from '../jobs/job-data.ts';
import type { RawJob } from '../store.ts';
import { inReason } from '../store-wait.ts';

/** How often all that are waited for are looked at, ms: the first look soon, because a hint may have come too early. */
const LOOKS_MS = [50, 200, 1_000, 2_000] as const;

/** Of each job that is waited for its texts are kept up to so many characters: with them a word is enough. */
const MOST_KEPT = 4_000;

export async function readOutcome(engine: Engine, id: string): Promise<JobRecord | null> {
  const [raw = null] = await engine.queues.look([id]);
  return outcomeIn(raw);
}

function outcomeIn(raw: RawJob | null): JobRecord | null {
  if (raw === null || (raw.state !== 'completed' && raw.state !== 'failed')) return null;
  return recordOf(raw);
}

/** The job that was seen, as the word tells its end. Null: that is not enough. */
function endedAs(seen: RawJob | undefined, end: ToldEnd | null): JobRecord | null {
  if (seen === undefined || end === null) return null;
  const record = recordOf({ ...seen, ...end, state: 'completed', dueAtMs: null, token: null });
  // A job that has a key may have got other arguments since.
  return record.job.options.key === undefined ? record : null;
}

/** Null when `signal` aborts before `act` is done. @throws the datastore's error, where it lasts */
async function beforeAbort<T>(signal: AbortSignal | null, act: () => Promise<T>): Promise<T | null> {
  if (signal === null) return inReason(act);
  const doing = inReason(act);
  doing.catch(() => undefined); // Nobody waits for it after an abort.
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<null>((resolve) => {
    onAbort = () => resolve(null);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race(signal.aborted ? [doing] : [doing, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

export class OutcomeWatch {
  readonly #engine: Engine;
  /** Jobs at which those look first who are about to wait: how many of these, and whether the job's end was heard meanwhile. */
  readonly #early = new Map<string, { waits: number; isHeard: boolean }>();
  /** Jobs that are waited for, as they were before their end. */
  readonly #seen = new Map<string, RawJob>();
  readonly #waits = new OutcomeWaits(() => this.#stop());
  #hearing: Promise<() => void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Looks since one has begun to wait. */
  #looks = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Resolves with the outcome, or with null when `signal` aborts. Hear, look, wait: an outcome that was there before is found by the look,
   * one that comes later by the hint, or by a later look.
   *
   * @throws UnknownJobError when there is no such job
   */
  async wait(id: string, signal: AbortSignal | null, isSurelyThere: boolean): Promise<JobRecord | null> {
    const early = this.#early.get(id) ?? { waits: 0, isHeard: false };
    this.#early.set(id, early);
    early.waits++;
    const looking = beforeAbort(signal, async () => {
      await this.#hear();
      return this.#engine.queues.look([id]);
    });
    const first = await looking.finally(() => {
      if (--early.waits === 0) this.#early.delete(id);
    });
    if (first === null) return null; // The server has not answered in time.
    const [raw = null] = first;
    if (raw === null && !isSurelyThere) throw new UnknownJobError(id, this.#engine.place);
    const found = outcomeIn(raw);
    if (found !== null || signal?.aborted === true) return found;
    const outcome = this.#waits.add(id, signal);
    if (raw !== null && raw.data.length <= MOST_KEPT) {
      this.#seen.set(id, raw);
      const forget = (): void => void (this.#waits.has(id) || this.#seen.delete(id));
      outcome.then(forget, forget);
    }
    this.#looks = 0;
    this.#plan();
    // Words come over another connection than looks: this one overtook the answer of a look that was older.
    if (early.isHeard) void this.#look([id]);
    return outcome;
  }

  close(): void {
    this.#stop();
    void this.#hearing?.then(
      (end) => end(),
      () => undefined,
    );
    this.#hearing = null;
  }

  async #hear(): Promise<void> {
    this.#hearing ??= this.#engine.store.subscribe(ENDED, (word) => this.#hearWord(word));
    const hearing = this.#hearing;
    // Without it the looks find what there is. It is begun by itself when the server is there.
    await inReason(() => hearing).catch(() => undefined);
  }

  #hearWord(word: string): void {
    const { id, end } = parseEndedWord(word);
    const early = this.#early.get(id);
    if (early !== undefined) early.isHeard = true;
    if (!this.#waits.has(id)) return;
    const record = endedAs(this.#seen.get(id), end);
    if (record === null) void this.#look([id]);
    else this.#waits.resolve(id, record);
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #plan(): void {
    this.#stop();
    if (this.#waits.size === 0) return;
    const ms = LOOKS_MS[Math.min(this.#looks++, LOOKS_MS.length - 1)];
    this.#timer = setTimeout(() => {
      void this.#look(this.#waits.ids()).then(() => this.#plan());
    }, ms);
  }

  async #look(ids: readonly string[]): Promise<void> {
    try {
      const found = await this.#engine.queues.look(ids);
      for (const [i, id] of ids.entries()) this.#tell(id, found[i] ?? null);
    } catch {
      // The next look tells more; a caller that waits has its timeout.
    }
  }
  /** Whoever waits for a job that cannot be read is told so, and keeps nobody else from an outcome. */
  #tell(id: string, raw: RawJob | null): void {
    try {
      const record = outcomeIn(raw);
      if (record !== null) this.#waits.resolve(id, record);
      // It was removed, by a person or after its time: nobody will ever see an outcome.
      else if (raw === null) throw new UnknownJobError(id, this.#engine.place);
    } catch (error) {
      this.#waits.reject(id, error);
    }
  }
}
