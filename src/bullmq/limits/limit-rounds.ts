/** What a process that runs jobs does for limits: it makes those of its queues hold, and sees what comes free by the death of others. */
import type { LimitRules } from '../../job/queue-limits.ts';
import type { Engine } from '../engine.ts';
import { PAUSED } from './pauses.ts';
import { loosenQueues, tightenQueues } from './queue-rules.ts';

const ROUND_MS = 2_000;
/** Every so many rounds it is looked whether limits of queues are less strict by now. */
const LOOSEN_EVERY = 5;

/** The topic that tells of a queue with a limit of which a job has ended: BullMQ tells nobody. '': of any queue. */
export const FREED = 'freed';

interface LimitRoundsOptions {
  /** There may be room for a job in this queue; null: in any. */
  readonly onFreed: (queue: string | null) => void;
  /** A queue was paused or resumed. */
  readonly onPaused?: () => void;
}

export class LimitRounds {
  readonly #engine: Engine;
  readonly #options: LimitRoundsOptions;
  #hasTaskLimits = false;
  #timer: NodeJS.Timeout | null = null;
  readonly #unsubscribe: (() => void)[] = [];
  #rounds = 0;
  #round: Promise<void> | null = null;

  constructor(engine: Engine, options: LimitRoundsOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  /** @param rules of this process @throws the datastore's error */
  async start(rules: LimitRules | undefined): Promise<void> {
    await tightenQueues(this.#engine, rules?.queues);
    await loosenQueues(this.#engine);
    this.know(rules?.tasks);
    const { onFreed, onPaused } = this.#options;
    const { store } = this.#engine;
    this.#unsubscribe.push(await store.subscribe(FREED, (queue) => onFreed(queue === '' ? null : queue)));
    if (onPaused !== undefined) this.#unsubscribe.push(await store.subscribe(PAUSED, onPaused));
    this.#timer = setInterval(() => {
      this.#round ??= this.#look().finally(() => (this.#round = null));
    }, ROUND_MS);
  }

  /** The limits of tasks that this process heeds. */
  know(tasks: LimitRules['tasks'] | undefined): void {
    if (tasks !== undefined && tasks.size > 0) this.#hasTaskLimits = true;
  }

  /** Jobs of a dead process were sent back, or have ended. */
  async recovered(): Promise<void> {
    if (this.#hasTaskLimits) await this.#engine.store.limits.sweep().catch(() => undefined); // The next round does it.
    this.#engine.store.publish(FREED, '');
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#round;
  }

  async #look(): Promise<void> {
    try {
      if (this.#hasTaskLimits) await this.#engine.store.limits.sweep();
      if (++this.#rounds % LOOSEN_EVERY === 0) await loosenQueues(this.#engine);
    } catch {
      // The next round does it.
    }
  }
}
