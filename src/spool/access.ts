/**
 * When a spool may be looked at, changed or worked for: once jobs are restored that a power cut broke, and in a place that only its users can
 * change. What the system refuses becomes a SpoolError here.
 */
import type { KeeperOptions } from '../broker/worker-side.ts';
import { typed } from './disk/trouble.ts';
import type { Replay } from './journal/due.ts';
import type { Access } from './schedules/schedule-store.ts';

/** How long a replay may hold up a worker without a word, ms. */
const WORKER_SILENT_MS = 1_000;

export class SpoolAccess implements Access {
  readonly #place: string;
  readonly #replay: Replay;
  readonly #refuseUnsafe: (() => void) | null;

  /** @param refuseUnsafe is called before each change; null where any place is allowed. A look only reads, and an administrator must be able to */
  constructor(place: string, replay: Replay, refuseUnsafe: (() => void) | null) {
    this.#place = place;
    this.#replay = replay;
    this.#refuseUnsafe = refuseUnsafe;
  }

  /** What a failed look begins with. */
  get unreadable(): string {
    return `The spool ${this.#place} cannot be read`;
  }

  /** Jobs are being restored, or have to be: who sends awaits `restored`. */
  get isHeldUp(): boolean {
    return this.#replay.isDue;
  }

  async restored(): Promise<void> {
    await typed(() => this.#replay.ended(), 'Nothing was queued');
  }

  /** False where `signal` aborts first. */
  async mayLook(signal?: AbortSignal | null): Promise<boolean> {
    return !this.#replay.isDue || (await this.#replay.endedWhereAllowed(signal));
  }

  look<T>(act: () => T | Promise<T>): Promise<T> {
    return typed(async () => {
      if (this.#replay.isDue) await this.#replay.endedWhereAllowed();
      return act();
    }, this.unreadable);
  }

  /** @param done what a change that failed has not surely become */
  change<T>(done: string, act: () => Promise<T>): Promise<T> {
    return typed(async () => {
      this.#refuseUnsafe?.();
      if (this.#replay.isDue) await this.#replay.ended();
      return act();
    }, `Not surely ${done}, call again: the spool ${this.#place} refuses`);
  }

  /** For what a worker has of the spool, which may have to wait for minutes. */
  start<T>({ onEvent, giveUp }: Pick<KeeperOptions, 'onEvent' | 'giveUp'>, act: () => Promise<T>): Promise<T> {
    return typed(async () => {
      if (this.#replay.isDue) await this.#replay.ended(onEvent && { onEvent, silentMs: WORKER_SILENT_MS }, giveUp);
      giveUp?.throwIfAborted();
      return act();
    }, `No worker can start in the spool ${this.#place}`);
  }
}
