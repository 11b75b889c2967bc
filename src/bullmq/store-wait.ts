/** Waiting out a datastore that cannot be reached, or takes nothing: what was done is kept, and finished when it is back. */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrokerEvent } from '../broker/worker-side.ts';
import { FsqError } from '../job/errors.ts';
import { isRecord } from '../job/values/realm.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** How the errors begin with which Redis says that it cannot now: it loads its file, is out of memory, a replica, or cannot write to its disk. */
const BUSY_REDIS = /^(?:LOADING|OOM|READONLY|MISCONF|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|BUSY)\b/;
/** Of ioredis and pg, and of the system below them. */
const CUT_OFF =
  /^(?:E(?:CONN[A-Z]+|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|NETDOWN|AI_AGAIN|NOTFOUND)|08[0-9A-Z]{3}|57P0[1-4]|53[0-9A-Z]{3})$/;
const CLOSED =
  /^(?:Connection is closed|Connection terminated|Client has encountered a connection error|Stream isn't writeable)/;

/** True for an error that a later try may not meet. */
export function isPassing(error: unknown): boolean {
  if (!isRecord(error) || error instanceof FsqError) return false;
  const { code, message, name } = error;
  if (name === 'MaxRetriesPerRequestError') return true;
  if (typeof code === 'string' && CUT_OFF.test(code)) return true;
  return typeof message === 'string' && (BUSY_REDIS.test(message) || CLOSED.test(message));
}

interface Waiter {
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
  /** Aborted: the wait ends. */
  readonly signal: AbortSignal | null;
}

/** Repeats `act` until it succeeds, or fails for a reason that does not pass. Null when `signal` aborts meanwhile. */
export async function waitForStore<T>({ onEvent, signal }: Waiter, act: () => Promise<T>): Promise<T | null> {
  for (let waitMs = FIRST_WAIT_MS, tries = 0; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs), tries++) {
    try {
      const done = await act();
      if (tries > 0) onEvent?.({ kind: 'disk-wait-over' });
      return done;
    } catch (error) {
      if (!isPassing(error)) throw error;
      if (tries === 0) onEvent?.({ kind: 'disk-wait', error });
    }
    if (signal?.aborted === true) return null;
    await wait(waitMs, undefined, signal === null ? {} : { signal }).catch(() => undefined); // Aborted: one last try.
  }
}
