/** Schedules in a test: sent in its process, by the clock of the test and the tasks that are registered in it. */
import { registry } from '../app/registry.ts';
import { readSchedules, type ReadSchedule, unknownTaskText } from '../app/schedules/read-schedules.ts';
import { type ScheduleEvent, Ticker } from '../app/schedules/ticker.ts';
import type { Broker } from '../broker/broker.ts';
import { UsageError } from '../job/errors.ts';
import type { Logger } from '../worker/log.ts';
import { logSchedule } from '../worker/schedules/log-schedule.ts';

interface Around {
  readonly broker: Broker;
  readonly nowMs: () => number;
  readonly log: Logger;
}

export class TestSchedules {
  readonly #ticker: Ticker;
  /** What the store refused: a test must not go on without its jobs. */
  #failure: { readonly error: unknown } | null = null;

  /** @throws UsageError (FSQ_CONFIG) for one that is wrong, or whose task is not registered */
  static async begin(given: Readonly<Record<string, unknown>>, around: Around): Promise<TestSchedules> {
    const schedules = await readSchedules(given, around.nowMs());
    const known = [...registry().tasks.keys()];
    const unknown = schedules.find(({ task }) => !known.includes(task));
    if (unknown !== undefined) throw new UsageError(unknownTaskText(unknown, known), 'FSQ_CONFIG');
    const begun = new TestSchedules(schedules, around);
    await begun.look();
    return begun;
  }

  private constructor(schedules: readonly ReadSchedule[], { broker, nowMs, log }: Around) {
    const onEvent = (event: ScheduleEvent): void => {
      logSchedule(log, event);
      if (event.kind === 'refused') this.#failure ??= { error: event.error };
    };
    this.#ticker = new Ticker({ broker, schedules, nowMs, onEvent });
  }

  /** When the next instant comes, Unix ms. */
  get nextMs(): number {
    return this.#ticker.nextMs;
  }

  /** Sends what has come. @throws what the store refused */
  async look(): Promise<void> {
    this.#ticker.know(new Map([...registry().tasks].map(([name, { sending = {} }]) => [name, sending])));
    await this.#ticker.look();
    if (this.#failure !== null) throw this.#failure.error;
  }

  close(): Promise<void> {
    return this.#ticker.close();
  }
}
