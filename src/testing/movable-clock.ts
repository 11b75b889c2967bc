/** The clock of a temporary spool: the real time, and how far a test has moved it on. */
import type { Broker } from '../broker/broker.ts';
import { UsageError } from '../job/errors.ts';
import { type Duration, durationMs } from '../job/units.ts';
import type { Logger } from '../worker/log.ts';
import type { TestSchedules } from './test-schedules.ts';

/** The clock by which jobs are delayed, tried again and expire. */
export interface TestClock {
  now(): Date;
  /** Moves it on; when this resolves, what is due by now is ready, and outcomes whose time is over are forgotten. Not with `fork`. @throws UsageError */
  advance(by: Duration): Promise<void>;
}

/** What a clock does with the spool that goes by it. */
interface ClockedSpool {
  onMoved(): void;
  /** Forgets the outcomes whose time is over. */
  forget(): Promise<void>;
}

/** The real time, and how far it was moved on. */
export class MovableClock implements TestClock {
  readonly #isFixed: boolean;
  readonly #spool: ClockedSpool;
  #aheadMs = 0;
  /** Null where the test has no schedules. */
  #schedules: TestSchedules | null = null;

  constructor(isFixed: boolean, spool: ClockedSpool) {
    this.#isFixed = isFixed;
    this.#spool = spool;
  }

  readonly nowMs = (): number => Date.now() + this.#aheadMs;

  now(): Date {
    return new Date(this.nowMs());
  }

  async advance(by: Duration): Promise<void> {
    this.check('clock.advance()');
    const aheadMs = this.#aheadMs + durationMs(by, 'by');
    await this.#passInstants(Date.now() + aheadMs);
    this.#aheadMs = aheadMs;
    this.#spool.onMoved();
    await this.#schedules?.look();
    await this.#spool.forget();
  }

  /** From now on the jobs of these are sent when their times come. @throws UsageError (FSQ_CONFIG) */
  async follow(schedules: Readonly<Record<string, unknown>>, broker: Broker, log: Logger): Promise<void> {
    const { TestSchedules } = await import('./test-schedules.ts');
    this.#schedules = await TestSchedules.begin(schedules, { broker, nowMs: this.nowMs, log });
  }

  async close(): Promise<void> {
    await this.#schedules?.close();
  }

  /** Stops at each instant up to this time, as a worker that has run all the while. */
  async #passInstants(untilMs: number): Promise<void> {
    for (;;) {
      const nextMs = this.#schedules?.nextMs ?? Number.POSITIVE_INFINITY;
      if (nextMs > untilMs) return;
      this.moveTo(nextMs);
      await this.#schedules?.look();
    }
  }

  moveTo(atMs: number): void {
    this.#aheadMs += Math.max(0, atMs - this.nowMs());
    this.#spool.onMoved();
  }

  check(what: string): void {
    if (!this.#isFixed) return;
    throw new UsageError(
      `Expected ${what} with a worker in this process: with \`fork\` its children go by the clock of the machine`,
      'FSQ_TESTING',
    );
  }
}
