/**
 * Calls that become one job. Of those of one key in this process one is under way at a time. Those that come meanwhile are one call, with
 * the arguments of the last: a burst of a thousand calls costs some writes.
 */
import type { Job } from '../../job/job.ts';
import type { Debounce } from '../../job/job-options.ts';
import type { StandIn } from '../new-job.ts';

/** Calls of one key that wait for those before them. */
interface Turn<C> {
  /** The last one. */
  call: C;
  readonly end: Promise<StandIn>;
}

export class CallsInTurn<C> {
  readonly #send: (call: C) => Promise<StandIn>;
  /** By key: the turn that has not begun. */
  readonly #open = new Map<string, Turn<C>>();
  /** By key: the end of the last turn. */
  readonly #ends = new Map<string, Promise<unknown>>();

  constructor(send: (call: C) => Promise<StandIn>) {
    this.#send = send;
  }

  call(key: string, call: C): Promise<StandIn> {
    const open = this.#open.get(key);
    if (open !== undefined) {
      open.call = call;
      return open.end.then(({ id }) => ({ id, isDuplicate: true }));
    }
    const begin = (): Promise<StandIn> => {
      this.#open.delete(key);
      return this.#send(turn.call);
    };
    const end = (this.#ends.get(key) ?? Promise.resolve()).then(begin, begin);
    const turn: Turn<C> = { call, end };
    this.#open.set(key, turn);
    this.#ends.set(key, end);
    const forget = (): void => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    };
    end.then(forget, forget);
    return end;
  }
}

/** A job that has not begun, with the arguments of a later call: it waits as long as this call says, and was sent when the first one was. */
export function renewed(before: Job, { options, ...call }: Job, { waitMs, mostMs }: Debounce, nowMs: number): Job {
  const { id, enqueuedAtMs } = before;
  // Its kind never changes, and so its limit key stays.
  const { limitKey: _, ...others } = options;
  const { limitKey } = before.options;
  const etaMs = Math.min(nowMs + waitMs, mostMs === null ? Number.POSITIVE_INFINITY : enqueuedAtMs + mostMs);
  return { ...call, id, enqueuedAtMs, options: { ...others, ...(limitKey === undefined ? {} : { limitKey }), etaMs } };
}
