/**
 * One look at the server that stays fresh: the answer of a path, asked again when the server says that jobs have changed. What was seen stays
 * until something newer has come, also while the server does not answer.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../../src/ui/wire.ts';
import { get } from './api.ts';
import { usePage } from './context.ts';

/** Between the end of a look and the next; and as many times as long as the look took, so that a slow store has its rest. */
const REST_MS = 1_000;
const REST_TIMES = 3;

export interface Look<T> {
  readonly data: T | null;
  /** Why there is no such thing; of the path that is asked now. */
  readonly refusal: Answer | null;
  /** `data` is of another path than is asked now, or nothing has come yet. */
  readonly isLoading: boolean;
}

interface Seen<T> {
  readonly path: string | null;
  readonly data: T | null;
  readonly refusal: Answer | null;
}

/** @param path null: nothing is asked */
export function useLook<T>(path: string | null, wakes: number): Look<T> {
  const { locked } = usePage();
  const [seen, setSeen] = useState<Seen<T>>({ path: null, data: null, refusal: null });
  const looker = useRef<Looker | null>(null);

  useEffect(() => {
    if (path === null) return undefined;
    let last: string | null = null;
    const look = async (signal: AbortSignal): Promise<void> => {
      const came = await get<T>(path, signal);
      if (signal.aborted) return;
      if (came.kind === 'got') {
        // What is the same need not be drawn again.
        if (came.text !== last) setSeen({ path, data: came.data, refusal: null });
        last = came.text;
        return;
      }
      last = null;
      if (came.kind === 'locked') locked();
      if (came.kind === 'refused') setSeen((before) => ({ ...before, path, refusal: came.answer }));
    };
    const mine = new Looker(look);
    looker.current = mine;
    return () => mine.stop();
  }, [path]);
  useEffect(() => looker.current?.wake(), [path, wakes]);

  return { data: seen.data, refusal: seen.path === path ? seen.refusal : null, isLoading: seen.path !== path };
}

/** One look at a time; those that are asked for meanwhile are one more, after a rest. */
class Looker {
  readonly #look: (signal: AbortSignal) => Promise<void>;
  readonly #stop = new AbortController();
  #isLooking = false;
  #isWanted = false;
  #timer: number | null = null;
  #restsUntilMs = 0;

  constructor(look: (signal: AbortSignal) => Promise<void>) {
    this.#look = look;
  }

  wake(): void {
    this.#isWanted = true;
    if (this.#isLooking || this.#timer !== null || this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, this.#restsUntilMs - performance.now()));
  }

  stop(): void {
    this.#stop.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    this.#timer = null;
    this.#isWanted = false;
    this.#isLooking = true;
    const startedMs = performance.now();
    await this.#look(this.#stop.signal);
    const endedMs = performance.now();
    this.#restsUntilMs = endedMs + REST_MS + REST_TIMES * (endedMs - startedMs);
    this.#isLooking = false;
    if (this.#isWanted) this.wake();
  }
}
