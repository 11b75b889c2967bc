/**
 * Sends the jobs of schedules when their instants come: the only file here that acts. Every worker has one, and none of them knows of the
 * others: the broker sees to it that each instant has one job.
 */
import type { Broker } from '../../broker/broker.ts';
import type { TaskSending } from '../../broker/task-sending.ts';
import { jobOf, type ReadSchedule } from './read-schedules.ts';
import { decide, type Decision } from './due.ts';

/** It looks at the clock at least so often, ms: somebody may set it, and timers go by another one. */
const LOOK_EVERY_MS = 1_000;
/** The clock was set where it has moved so much more, or less, than time has passed, ms. */
const STEP_MS = 500;

/** What a person should hear of. */
export type ScheduleEvent =
  | { readonly kind: 'sent'; readonly schedule: string; readonly atMs: number; readonly id: string }
  /** These instants get no job. `hasMore`: nor do others before them. */
  | {
      readonly kind: 'skipped';
      readonly schedule: string;
      readonly instants: readonly number[];
      readonly hasMore: boolean;
    }
  /** The clock was set back so far that what was done counts no more. */
  | { readonly kind: 'turned-back'; readonly schedule: string; readonly doneMs: number }
  /** The store refuses: it is tried again until it does not, and told once. */
  | { readonly kind: 'refused'; readonly schedule: string; readonly error: unknown };

interface TickerOptions {
  readonly broker: Pick<Broker, 'nextId' | 'schedules'>;
  readonly schedules: readonly ReadSchedule[];
  readonly nowMs: () => number;
  readonly onEvent: (event: ScheduleEvent) => void;
}

interface Entry {
  readonly schedule: ReadSchedule;
  /** When it is to be looked at next, Unix ms. */
  nextMs: number;
  isRefused: boolean;
}

export class Ticker {
  readonly #options: TickerOptions;
  readonly #entries: readonly Entry[];
  /** Those that are known; schedules of others are left to workers that know them. */
  #tasks: ReadonlyMap<string, TaskSending> = new Map();
  /** The look that is under way, or the last one. */
  #look: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;
  /** The clock that may be set, and the one that may not, when it looked last. */
  #seen: { readonly wallMs: number; readonly passedMs: number };

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#entries = options.schedules.map((schedule) => ({ schedule, nextMs: 0, isRefused: false }));
    this.#seen = { wallMs: options.nowMs(), passedMs: performance.now() };
  }

  know(tasks: ReadonlyMap<string, TaskSending>): void {
    this.#tasks = tasks;
  }

  /** Looks at all schedules now, and from then on when their times come. Resolves after the first look. Never rejects. */
  look(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#look = this.#look.then(() => this.#lookOnce()).then(() => this.#arm());
    return this.#look;
  }

  /** Resolves when nothing is sent any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#look;
  }

  /** When it looks at a schedule next, Unix ms. */
  get nextMs(): number {
    return Math.min(...this.#entries.map((entry) => entry.nextMs));
  }

  /** Timers longer than a second would not see that the clock was set. */
  #arm(): void {
    if (this.#isClosed || this.#timer !== null) return;
    const inMs = Math.min(LOOK_EVERY_MS, Math.max(1, this.nextMs - this.#options.nowMs()));
    this.#timer = setTimeout(() => void this.look(), inMs).unref();
  }

  async #lookOnce(): Promise<void> {
    const wallMs = this.#options.nowMs();
    const passedMs = performance.now();
    const stepMs = wallMs - this.#seen.wallMs - (passedMs - this.#seen.passedMs);
    this.#seen = { wallMs, passedMs };
    for (const entry of this.#entries) {
      if (this.#isClosed) return;
      if (wallMs >= entry.nextMs || Math.abs(stepMs) > STEP_MS) await this.#tend(entry);
    }
  }

  async #tend(entry: Entry): Promise<void> {
    const { schedule } = entry;
    const { firing, name, task } = schedule;
    const sending = this.#tasks.get(task);
    const nowMs = this.#options.nowMs();
    entry.nextMs =
      sending === undefined ? nowMs + LOOK_EVERY_MS : (firing.times.next(nowMs) ?? Number.POSITIVE_INFINITY);
    if (sending === undefined) return;
    try {
      const record = await this.#options.broker.schedules.find(name);
      await this.#act(schedule, sending, decide(firing, record, nowMs));
      entry.isRefused = false;
    } catch (error) {
      entry.nextMs = nowMs + LOOK_EVERY_MS;
      if (!entry.isRefused) this.#options.onEvent({ kind: 'refused', schedule: name, error });
      entry.isRefused = true;
    }
  }

  async #act(schedule: ReadSchedule, sending: TaskSending, decision: Decision): Promise<void> {
    const { broker, onEvent } = this.#options;
    const { send, passMs, turnedBackFromMs, skipped, moreSkipped } = decision;
    const { name } = schedule;
    const instantAt = (atMs: number) => ({ schedule: name, atMs, pattern: schedule.firing.patternText });
    if (passMs !== null && turnedBackFromMs !== null) {
      await broker.schedules.turnBack(instantAt(passMs));
      onEvent({ kind: 'turned-back', schedule: name, doneMs: turnedBackFromMs });
    } else if (passMs !== null) await broker.schedules.pass(instantAt(passMs));
    if (skipped.length > 0) onEvent({ kind: 'skipped', schedule: name, instants: skipped, hasMore: moreSkipped });
    for (const atMs of send) {
      if (this.#isClosed) return;
      const about = { id: broker.nextId(true), enqueuedAtMs: this.#options.nowMs() };
      const sent = await broker.schedules.send(instantAt(atMs), jobOf(schedule, sending, atMs, about));
      if (sent?.isDuplicate === false) onEvent({ kind: 'sent', schedule: name, atMs, id: sent.id });
    }
  }
}
