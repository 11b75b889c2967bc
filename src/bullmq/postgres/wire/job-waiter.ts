/** Waiting for a job of one queue: all queues of a process hear of theirs on one connection. */
import type { JobWaiter } from '../../engine.ts';
import type { Listener } from './listener.ts';
import type { Sql } from '../schema.ts';

/** The channel on which BullMQ tells the name of a queue that has a job (its script listen_jobs.sql). */
const JOBS = 'bullmq_jobs';
/** How often the same ready jobs are told of without a pause, and how long the longest pause is, ms: nobody may be allowed to take them. */
const TOLD_AT_ONCE = 3;
const LONGEST_PAUSE_MS = 1_000;

const IS_READY = `
SELECT EXISTS (SELECT 1 FROM job WHERE queue = $1 AND state = 'waiting')
  AND NOT EXISTS (SELECT 1 FROM meta WHERE queue = $1 AND field = 'paused' AND value = '1') AS ready`;

export class PostgresWaiter implements JobWaiter {
  readonly #queue: string;
  readonly #sql: Sql;
  readonly #listening: Promise<() => void>;
  /** It was told of a job since the last wait. */
  #isTold = true;
  #wake: (() => void) | null = null;
  /** How often in a row jobs lay ready without a word. */
  #found = 0;
  #isClosed = false;

  constructor(queue: string, sql: Sql, listener: Listener) {
    this.#queue = queue;
    this.#sql = sql;
    this.#listening = listener.listen(JOBS, (text) => {
      if (text === queue || text === '') this.#tell();
    });
  }

  /** Resolves when there may be a job, with null after `seconds`. */
  async waitForJob(seconds: number): Promise<{ readonly score: number } | null> {
    await this.#listening;
    if (!this.#isTold) {
      const [row] = await this.#sql(IS_READY, [this.#queue]);
      this.#found = row?.['ready'] === true ? this.#found + 1 : 0;
      const pauseMs = this.#found <= TOLD_AT_ONCE ? 0 : Math.min(LONGEST_PAUSE_MS, 2 ** this.#found);
      const isReady = this.#found > 0;
      const wasTold = await this.#wait(isReady ? pauseMs : seconds * 1_000);
      if (!wasTold && !isReady) return null;
    } else this.#found = 0;
    this.#isTold = false;
    return { score: 0 };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake?.();
    (await this.#listening)();
  }

  #tell(): void {
    this.#isTold = true;
    this.#wake?.();
  }

  /** @returns whether it was told of a job */
  async #wait(ms: number): Promise<boolean> {
    if (this.#isTold || this.#isClosed || ms === 0) return this.#isTold;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    return this.#isTold;
  }
}
