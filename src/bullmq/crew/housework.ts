/** What a keeper does in rounds: it finds jobs whose locks ran out, and sees whether anything is left to run. */
import { ClockWatch } from '../clock.ts';
import type { Engine } from '../engine.ts';
import { isQueuePaused } from '../limits/pauses.ts';
import { inReason } from '../store-wait.ts';
import { Upkeep } from './upkeep.ts';

/** How often a burst looks whether anything is left, ms; any other worker seldom asks. */
const BURST_MS = 200;
const IDLE_MS = 2_000;

/**
 * How often in the life of a lock BullMQ looks for locks that ran out. Of all looks of all workers in that time it does one, and a look may come
 * a moment too early: so that two of them are half the life of a lock.
 */
export const STALLED_LOOKS = 4;
/** How long a keeper that ends waits for a look that is under way, ms: the server may be away. */
const LAST_LOOK_MS = 500;

interface HouseworkOptions {
  readonly queues: () => readonly string[];
  readonly isBurst: boolean;
  /** These of them are paused, as each look finds. */
  readonly onPaused: (queues: readonly string[]) => void;
}

export class Housework {
  readonly #engine: Engine;
  readonly #options: HouseworkOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #upkeep: Upkeep;
  /** What was counted at the last look found nothing ready or due, and nothing has changed since. */
  #isIdle = false;
  #changes = 0;
  #problem: unknown = null;
  #looking: Promise<void> | null = null;

  constructor(engine: Engine, options: HouseworkOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#upkeep = new Upkeep(engine);
  }

  start(): void {
    const { isBurst } = this.#options;
    const clock = new ClockWatch(this.#engine);
    let finding: Promise<void> | null = null;
    const findStalled = (): void => {
      finding ??= this.#moveStalled(clock).finally(() => (finding = null));
    };
    this.#timers.push(
      setInterval(() => findStalled(), this.#engine.lockMs / STALLED_LOOKS),
      setInterval(() => this.#look(), isBurst ? BURST_MS : IDLE_MS),
    );
    this.#look();
    this.#upkeep.start();
  }

  /** A child has said something: what was seen before counts no more. */
  changed(): void {
    this.#changes++;
    if (this.#options.isBurst) this.#look();
  }

  /** Looks at once, because something has changed. */
  lookAgain(): void {
    this.#changes++;
    void (this.#looking ?? Promise.resolve()).finally(() => this.#look());
  }

  isIdle(): boolean {
    return this.#isIdle;
  }

  problem(): unknown {
    return this.#problem;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const last = async (): Promise<void> => {
      await this.#looking;
      await this.#upkeep.close();
    };
    await inReason(last, LAST_LOOK_MS).catch(() => undefined);
  }

  #look(): void {
    this.#looking ??= this.#count().finally(() => (this.#looking = null));
  }

  async #count(): Promise<void> {
    const before = this.#changes;
    try {
      const nowMs = this.#engine.nowMs();
      const paused: string[] = [];
      let ready = 0;
      for (const queue of this.#options.queues()) {
        if (await isQueuePaused(this.#engine, queue)) {
          paused.push(queue);
          continue;
        }
        const backend = this.#engine.backend(queue);
        const [waiting = 0, prioritized = 0] = await backend.getCounts(['wait', 'prioritized']);
        const [due = 0] = await backend.getCounts(['delayed'], nowMs);
        ready += waiting + prioritized + due;
      }
      // What a limit holds back runs as soon as there is room, whenever it is due.
      if (ready === 0) ready = await this.#engine.store.limits.heldBack(this.#options.queues());
      if (ready === 0 && this.#options.isBurst) ready = await this.#upkeep.released();
      this.#isIdle = ready === 0 && before === this.#changes;
      this.#problem = null;
      this.#options.onPaused(paused);
    } catch (error) {
      this.#isIdle = false;
      this.#problem = error;
    }
  }

  async #moveStalled(clock: ClockWatch): Promise<void> {
    // While a clock is wrong, every lock may look as if it had run out.
    if (!(await clock.isRight().catch(() => false))) return;
    for (const queue of this.#options.queues()) {
      try {
        await this.#engine.backend(queue).moveStalledJobsToWait();
      } catch {
        // The next round does it.
      }
    }
  }
}
