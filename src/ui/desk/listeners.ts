/** Those who want to hear of changes: a summary is worked out for them each second, and only while there are any. */
import type { Summary } from '../wire.ts';

type Hear = (what: 'summary' | 'jobs') => void;

/** How often a summary is worked out, ms. */
const EVERY_MS = 1_000;
/** That jobs have changed is told this often at most, ms. */
const JOBS_EVERY_MS = 500;

export class Listeners {
  readonly #summary: () => Promise<Summary>;
  readonly #all = new Set<Hear>();
  /** The last summary that was told, but for its time. */
  #told = '';
  #timer: NodeJS.Timeout | undefined;
  #jobsTimer: NodeJS.Timeout | undefined;

  /** @param summary never rejects, and is as new as a second */
  constructor(summary: () => Promise<Summary>) {
    this.#summary = summary;
  }

  /** @returns ends it */
  add(hear: Hear): () => void {
    // Each has an entry of its own, whichever function it gave.
    const own: Hear = (what) => hear(what);
    this.#all.add(own);
    if (this.#all.size === 1) void this.#look();
    return () => {
      this.#all.delete(own);
      if (this.#all.size === 0) clearTimeout(this.#timer);
    };
  }

  jobsChanged(): void {
    if (this.#all.size === 0 || this.#jobsTimer !== undefined) return;
    this.#jobsTimer = setTimeout(() => {
      this.#jobsTimer = undefined;
      this.#tell('jobs');
    }, JOBS_EVERY_MS).unref();
  }

  close(): void {
    this.#all.clear();
    clearTimeout(this.#timer);
    clearTimeout(this.#jobsTimer);
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const { atMs: _, ...summary } = await this.#summary();
    const text = JSON.stringify(summary);
    if (text !== this.#told) {
      this.#told = text;
      this.#tell('summary');
    }
    clearTimeout(this.#timer);
    if (this.#all.size > 0) this.#timer = setTimeout(() => void this.#look(), EVERY_MS).unref();
  }

  #tell(what: 'summary' | 'jobs'): void {
    for (const hear of this.#all) hear(what);
  }
}
