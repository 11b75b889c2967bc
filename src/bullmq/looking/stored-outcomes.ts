/** Reading outcomes, and waiting for them: a hint when one is there, and a look at all that are waited for every now and then. */
import { UnknownJobError } from '../../job/errors.ts';
import type { JobRecord } from '../../job/job.ts';
import type { Engine } from '../engine.ts';
import { recordOf } from '../jobs/job-data.ts';
import type { RawJob } from '../store.ts';
import { inReason } from '../store-wait.ts';

/** The topic that tells which job has ended. */
export const ENDED = 'ended';

/** How often all that are waited for are looked at, ms: the first look soon, because a hint may have come too early. */
const LOOKS_MS = [50, 200, 1_000, 2_000] as const;

interface Waiter {
  readonly resolve: (record: JobRecord | null) => void;
  readonly reject: (error: unknown) => void;
}

export async function readOutcome(engine: Engine, id: string): Promise<JobRecord | null> {
  const [raw = null] = await engine.queues.look([id]);
  return outcomeIn(raw);
}

function outcomeIn(raw: RawJob | null): JobRecord | null {
  if (raw === null || (raw.state !== 'completed' && raw.state !== 'failed')) return null;
  return recordOf(raw);
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
  readonly #waiting = new Map<string, Set<Waiter>>();
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
    const first = await beforeAbort(signal, async () => {
      await this.#hear();
      return this.#engine.queues.look([id]);
    });
    if (first === null) return null; // The server has not answered in time.
    const [raw = null] = first;
    if (raw === null && !isSurelyThere) throw new UnknownJobError(id, this.#engine.place);
    const found = outcomeIn(raw);
    if (found !== null || signal?.aborted === true) return found;
    return new Promise<JobRecord | null>((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#remove(id, waiter);
      };
      const waiter: Waiter = {
        resolve: (record) => {
          leave();
          resolve(record);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const onAbort = (): void => waiter.resolve(null);
      signal?.addEventListener('abort', onAbort);
      const waiters = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiters.add(waiter));
      this.#looks = 0;
      this.#plan();
    });
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    void this.#hearing?.then(
      (end) => end(),
      () => undefined,
    );
    this.#hearing = null;
  }

  async #hear(): Promise<void> {
    this.#hearing ??= this.#engine.store.subscribe(ENDED, (id) => {
      if (this.#waiting.has(id)) void this.#look([id]);
    });
    const hearing = this.#hearing;
    // Without it the looks find what there is. It is begun by itself when the server is there.
    await inReason(() => hearing).catch(() => undefined);
  }

  #plan(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#waiting.size === 0) return;
    const ms = LOOKS_MS[Math.min(this.#looks++, LOOKS_MS.length - 1)];
    this.#timer = setTimeout(() => {
      void this.#look([...this.#waiting.keys()]).then(() => this.#plan());
    }, ms);
  }

  async #look(ids: readonly string[]): Promise<void> {
    try {
      const found = await this.#engine.queues.look(ids);
      for (const [i, id] of ids.entries()) {
        const raw = found[i] ?? null;
        const record = outcomeIn(raw);
        for (const waiter of this.#waiting.get(id) ?? []) {
          if (record !== null) waiter.resolve(record);
          // It was removed, by a person or after its time: nobody will ever see an outcome.
          else if (raw === null) waiter.reject(new UnknownJobError(id, this.#engine.place));
        }
      }
    } catch {
      // The next look tells more; a caller that waits has its timeout.
    }
  }

  #remove(id: string, waiter: Waiter): void {
    const waiters = this.#waiting.get(id);
    waiters?.delete(waiter);
    if (waiters?.size === 0) this.#waiting.delete(id);
    if (this.#waiting.size === 0 && this.#timer !== null) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
  }
}
