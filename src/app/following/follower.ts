/** One loop that looks at all jobs that a process follows at one place, for as long as any is followed. */
import type { Broker, Changed } from '../../broker/broker.ts';

/** How often it looks, ms, or less often where a look takes long. */
const EVERY_MS = 100;
/** A look may take a twentieth of the time at most. */
const COST_FACTOR = 20;

type Source = Pick<Broker, 'changed'>;

/** One that follows a job. */
export interface Follow {
  /** The last look that found something new; null when it was given before. Throws what a look threw. */
  take(): Changed | null;
  /** Resolves when there is something to take, or `wake` is called. */
  news(): Promise<void>;
  wake(): void;
  leave(): void;
}

class Loop {
  readonly #source: Source;
  readonly #marks = new Map<string, string | null>();
  readonly #hearers = new Map<string, Set<(changed: Changed | null, error: unknown) => void>>();
  #timer: NodeJS.Timeout | null = null;
  #isLooking = false;

  constructor(source: Source) {
    this.#source = source;
  }

  add(id: string, hear: (changed: Changed | null, error: unknown) => void): () => void {
    const hearers = this.#hearers.get(id) ?? new Set();
    this.#hearers.set(id, hearers);
    hearers.add(hear);
    // A second one needs all that the first was given.
    this.#marks.set(id, null);
    this.#schedule(0);
    return () => {
      hearers.delete(hear);
      if (hearers.size > 0 || this.#hearers.get(id) !== hearers) return;
      this.#hearers.delete(id);
      this.#marks.delete(id);
      if (this.#hearers.size === 0) this.#stop();
    };
  }

  #stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #schedule(ms: number): void {
    if (this.#isLooking || this.#hearers.size === 0) return;
    this.#stop();
    this.#timer = setTimeout(() => void this.#look(), ms);
  }

  async #look(): Promise<void> {
    this.#timer = null;
    this.#isLooking = true;
    const startedAt = performance.now();
    const asked = new Map(this.#marks);
    try {
      for (const [id, changed] of await this.#source.changed(asked)) {
        // One that was asked for anew meanwhile is looked at anew.
        if (this.#marks.get(id) === asked.get(id)) this.#marks.set(id, changed.mark);
        for (const hear of this.#hearers.get(id) ?? []) hear(changed, null);
      }
    } catch (error) {
      for (const hearers of this.#hearers.values()) for (const hear of hearers) hear(null, error);
    }
    this.#isLooking = false;
    this.#schedule(Math.max(EVERY_MS, COST_FACTOR * (performance.now() - startedAt)));
  }
}

const loops = new WeakMap<Source, Loop>();

/** Follows a job: what changes with it is seen a moment later. */
export function follow(source: Source, id: string): Follow {
  const loop = loops.get(source) ?? new Loop(source);
  loops.set(source, loop);
  let latest: Changed | null = null;
  let failure: { readonly error: unknown } | null = null;
  let isAwake = false;
  let wakeUp = (): void => undefined;
  const wake = (): void => {
    isAwake = true;
    wakeUp();
  };
  const leave = loop.add(id, (changed, error) => {
    if (changed === null) failure = { error };
    else latest = changed;
    wake();
  });
  return {
    take: () => {
      if (failure !== null) throw failure.error;
      const taken = latest;
      latest = null;
      isAwake = false;
      return taken;
    },
    news: () => (isAwake ? Promise.resolve() : new Promise((resolve) => (wakeUp = resolve))),
    wake,
    leave,
  };
}
