/**
 * Fills the index and keeps it true while somebody asks, and for a while after: then it is forgotten. It rests after each part, so that it
 * takes a small part of a processor while jobs change; while none does, it waits.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Broker, Looks } from '../../../broker/broker.ts';
import type { OpenedPlace } from '../opened-place.ts';
import { cpuMsSince } from '../rested.ts';
import { JobIndex } from './job-index.ts';

/** After the last question it is kept for so long, ms. */
const KEPT_MS = 300_000;
/** After trouble it is begun anew so much later, ms. */
const AGAIN_MS = 1_000;
/** It rests for so many times as long as a part has cost: while it reads all that is there, and then. */
const REST = { reading: 1, following: 9 };
/** And for no longer than this, ms. */
const MOST_REST_MS = 1_000;

export class JobFeed {
  readonly #place: OpenedPlace;
  /** Called after each change of the index. */
  readonly #onChange: () => void;
  #index = new JobIndex();
  #stop: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Called when more has been read. */
  readonly #waiting = new Set<() => void>();

  constructor(place: OpenedPlace, onChange: () => void) {
    this.#place = place;
    this.#onChange = onChange;
  }

  /** What is known. Whoever asks for it keeps it for a while. */
  get index(): JobIndex {
    this.#keep();
    return this.#index;
  }

  /** Resolves when `isEnough` is true of the index, or it is complete, or after this time, ms. */
  async warm(isEnough: (index: JobIndex) => boolean, mostMs: number): Promise<JobIndex> {
    const endAt = performance.now() + mostMs;
    for (;;) {
      const { index } = this;
      const leftMs = endAt - performance.now();
      if (this.#isClosed || index.isComplete || isEnough(index) || leftMs <= 0) return index;
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, leftMs);
        this.#waiting.add(wake);
      });
    }
  }

  /** For good: whoever asks then gets an index of nothing. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#forget();
  }

  /** Begins anew if it is asked for. */
  async #forget(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#stop = null;
    await this.#ended;
    this.#index = new JobIndex();
  }

  #keep(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#forget(), KEPT_MS).unref();
    if (this.#stop !== null) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.#ended = this.#ended.then(() => this.#run(stop.signal));
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#place.ask((broker, givenUp) => this.#follow(broker, AbortSignal.any([signal, givenUp])));
      } catch {
        // The place tells what is wrong.
      }
      // What changes until it is there again, nobody has seen.
      this.#index = new JobIndex();
      this.#tell();
      await wait(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined); // It ends then.
    }
  }

  async #follow(broker: Broker, signal: AbortSignal): Promise<void> {
    const index = this.#index;
    let before = process.cpuUsage();
    const all = broker.everyJob({ sinceMs: 0, follow: true, latestFirst: true, tellsGone: true, signal });
    for (let looks = await nextOf(all, signal); looks !== null; looks = await nextOf(all, signal)) {
      const { jobs, gone = [], isCaughtUp } = looks;
      index.take(jobs);
      for (const id of gone) index.drop(id);
      const isNew = isCaughtUp && !index.isComplete;
      index.isComplete ||= isCaughtUp;
      if (jobs.length > 0 || gone.length > 0 || isNew) this.#tell();
      const restMs = cpuMsSince(before) * (isCaughtUp ? REST.following : REST.reading);
      if (restMs >= 1)
        await wait(Math.min(restMs, MOST_REST_MS), undefined, { signal, ref: false }).catch(() => undefined);
      before = process.cpuUsage();
    }
  }

  #tell(): void {
    for (const wake of this.#waiting) wake();
    this.#onChange();
  }
}

/** Null when there are no more, or when `signal` aborts: a server that is away may never answer. */
async function nextOf(all: AsyncGenerator<Looks, void, undefined>, signal: AbortSignal): Promise<Looks | null> {
  let stop = (): void => undefined;
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    signal.addEventListener('abort', stop);
  });
  try {
    const looks = signal.aborted ? null : await Promise.race([all.next(), aborted]);
    if (looks !== null) return looks.done === true ? null : looks.value;
    all.return().catch(() => undefined); // Nobody waits for what it does last.
    return null;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
