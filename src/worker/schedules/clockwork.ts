/** The schedules of a worker: read before it starts, begun when its first child has told the tasks that it knows. */
import { readSchedules, type ReadSchedule, unknownTaskText } from '../../app/schedules/read-schedules.ts';
import { type ScheduleEvent, Ticker } from '../../app/schedules/ticker.ts';
import type { Settings } from '../../app/settings/config.ts';
import type { Broker } from '../../broker/broker.ts';
import type { Logger } from '../log.ts';
import type { FoundTask } from '../messages.ts';
import { logSchedule } from './log-schedule.ts';

interface ClockworkOptions {
  readonly log: Logger;
  /** The worker was told to load some task modules only: schedules of other tasks are left to other workers. */
  readonly isPartial: boolean;
}

export class Clockwork {
  readonly #schedules: readonly ReadSchedule[];
  readonly #options: ClockworkOptions;
  #broker: Broker | null = null;
  #ticker: Ticker | null = null;
  /** True once it has looked at every schedule: what was due when the worker started is sent. */
  #hasLooked = false;

  /** @throws UsageError (FSQ_CONFIG) */
  static async read({ schedules }: Pick<Settings, 'schedules'>, options: ClockworkOptions): Promise<Clockwork> {
    return new Clockwork(await readSchedules(schedules, Date.now()), options);
  }

  private constructor(schedules: readonly ReadSchedule[], options: ClockworkOptions) {
    this.#schedules = schedules;
    this.#options = options;
  }

  get names(): readonly string[] {
    return this.#schedules.map(({ name }) => name);
  }

  get hasLooked(): boolean {
    return this.#hasLooked;
  }

  /** The place that the jobs go to. Nothing is sent before the first tasks are known. */
  open(broker: Broker): void {
    this.#broker = broker;
  }

  /**
   * The worker knows these tasks now. With the first call it begins.
   *
   * @param onLooked called after the first look
   * @returns why the worker must not go on; null when it may
   */
  know(tasks: readonly FoundTask[], onLooked: () => void): string | null {
    if (this.#broker === null) return null;
    const known = new Map(tasks.map(({ name, sending = {} }) => [name, sending] as const));
    const [first, ...others] = this.#schedules.filter(({ task }) => !known.has(task));
    if (this.#ticker === null) {
      if (first !== undefined && !this.#options.isPartial) return unknownTaskText(first, [...known.keys()]);
      if (first !== undefined) this.#tellLeft([first, ...others]);
    }
    const ticker = (this.#ticker ??= this.#begin(this.#broker));
    ticker.know(known);
    void ticker.look().then(() => {
      if (this.#hasLooked) return;
      this.#hasLooked = true;
      onLooked();
    });
    return null;
  }

  async close(): Promise<void> {
    await this.#ticker?.close();
  }

  #begin(broker: Broker): Ticker {
    const { log } = this.#options;
    const onEvent = (event: ScheduleEvent): void => logSchedule(log, event);
    return new Ticker({ broker, schedules: this.#schedules, nowMs: Date.now, onEvent });
  }

  #tellLeft(left: readonly ReadSchedule[]): void {
    const names = left.map(({ name, task }) => `${name} (${task})`).join(', ');
    this.#options.log.info(`schedules of tasks that this worker does not load are left to other workers: ${names}`);
  }
}
