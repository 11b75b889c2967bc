/**
 * One look at the server that stays fresh: the answer of a path, asked again when the server says that jobs have changed. What was seen stays
 * until something newer has come, also while the server does not answer.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Answer } from '../../src/ui/wire.ts';
import { get } from './api.ts';
import { usePage } from './context.ts';

/** Between the end of a look and the next; and as many times as long as the look took, so that a slow store has its rest, to that most. */
const REST_MS = 1_000;
const REST_TIMES = 3;
/** When nothing has come, the next look needs no hint: the store may be there again without one. */
const AGAIN_MS = 5_000;
const MOST_REST_MS = 15_000;

export interface Look<T> {
  /** Until something has come of the path that is asked now, that of the path before; of a path that is refused, what came of it before that. */
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

/** @param hasMore true of an answer that is a part: the next look follows at once */
export function useLook<T>(path: string, wakes: number, hasMore: (data: T) => boolean = () => false): Look<T> {
  const { locked } = usePage();
  const [seen, setSeen] = useState<Seen<T>>({ path: null, data: null, refusal: null });
  const looker = useRef<Looker | null>(null);

  useEffect(() => {
    let last: string | null = null;
    const look = async (signal: AbortSignal): Promise<Came> => {
      const came = await get<T>(path, signal);
      if (signal.aborted) return 'all';
      if (came.kind === 'got') {
        // What is the same need not be drawn again.
        if (came.text !== last) setSeen({ path, data: came.data, refusal: null });
        last = came.text;
        return hasMore(came.data) ? 'part' : 'all';
      }
      last = null;
      if (came.kind === 'locked') locked();
      if (came.kind === 'refused') {
        // What is shown of another path would be taken for an answer to this one.
        setSeen((before) => ({ path, data: before.path === path ? before.data : null, refusal: came.answer }));
      }
      return 'nothing';
    };
    const mine = new Looker(look);
    looker.current = mine;
    return () => mine.stop();
  }, [path]);
  useEffect(() => looker.current?.wake(), [path, wakes]);

  return { data: seen.data, refusal: seen.path === path ? seen.refusal : null, isLoading: seen.path !== path };
}

type Came = 'all' | 'part' | 'nothing';

/** One look at a time; those that are asked for meanwhile are one more, after a rest. */
class Looker {
  /** Tells what has come. */
  readonly #look: (signal: AbortSignal) => Promise<Came>;
  readonly #stop = new AbortController();
  #isLooking = false;
  #isWanted = false;
  #timer: number | undefined;
  #restsUntilMs = 0;

  constructor(look: (signal: AbortSignal) => Promise<Came>) {
    this.#look = look;
  }

  wake(): void {
    this.#isWanted = true;
    if (!this.#isLooking) this.#runIn(Math.max(0, this.#restsUntilMs - performance.now()));
  }

  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  #runIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), ms);
  }

  async #run(): Promise<void> {
    this.#isWanted = false;
    this.#isLooking = true;
    const startedMs = performance.now();
    const came = await this.#look(this.#stop.signal);
    const hasCome = came !== 'nothing';
    const endedMs = performance.now();
    // One that came to nothing has cost little, however long it waited for a store that is away; and that may be back at once.
    const restMs = hasCome ? Math.min(MOST_REST_MS, REST_TIMES * (endedMs - startedMs)) : 0;
    this.#restsUntilMs = endedMs + REST_MS + restMs;
    this.#isLooking = false;
    if (this.#stop.signal.aborted) return;
    if (came === 'part') this.#runIn(0);
    else if (this.#isWanted) this.wake();
    // A page that is seen again is given a hint.
    else if (!hasCome && !document.hidden) this.#runIn(AGAIN_MS);
  }
}
