/** What a keeper does for the consumers of its children, for one that has no keeper. */
import type { Engine } from '../engine.ts';
import type { LimitRules } from '../../job/queue-limits.ts';
import { LimitRounds } from '../limits/limit-rounds.ts';
import { QueueWatch } from './queue-watch.ts';
import { RevokedWatch } from './revoked-watch.ts';

interface LoneLookOptions {
  /** Null: all. */
  readonly queues: readonly string[] | null;
  readonly onQueues: (queues: readonly string[]) => void;
  /** All of them, and whether the process that runs one is to be killed. */
  readonly onRevoked: (revoked: ReadonlyMap<string, boolean>) => void;
  /** There may be a job. */
  readonly onNews: () => void;
}

export class LoneLook {
  readonly #watch: QueueWatch;
  readonly #revoked: RevokedWatch;
  readonly #limits: LimitRounds;
  #isWaiting = false;

  constructor(engine: Engine, { queues, onQueues, onRevoked, onNews }: LoneLookOptions) {
    this.#watch = new QueueWatch(engine, {
      queues,
      isWanted: () => this.#isWaiting,
      onQueues,
      onJob: () => {
        this.#isWaiting = false;
        onNews();
      },
    });
    this.#limits = new LimitRounds(engine, { onFreed: onNews });
    this.#revoked = new RevokedWatch(engine, onRevoked);
  }

  async start(rules: LimitRules | undefined): Promise<void> {
    await this.#limits.start(rules);
    await this.#watch.start();
    await this.#revoked.start();
  }

  /** It waits for a job now. */
  wait(): void {
    this.#isWaiting = true;
    this.#watch.wait();
  }

  async close(): Promise<void> {
    this.#isWaiting = false;
    this.#revoked.close();
    await this.#limits.close();
    await this.#watch.close();
  }
}
