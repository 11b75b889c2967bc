/** Waiting out a datastore that cannot be reached, or takes nothing: what was done is kept, and finished when it is back. */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrokerEvent } from '../broker/worker-side.ts';
import { FsqError } from '../job/errors.ts';
import { isRecord } from '../job/values/realm.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/** How long a call of a program may take that does not wait for a job, ms: it fails then, whatever became of the server. */
export const LONGEST_CALL_MS = 10_000;

/** What stands before the error of a command in a script, in a Redis before 7. */
const OF_SCRIPT = String.raw`(?:ERR Error running script \(call to f_\w+\):(?: @user_script: ?\d+:)* -)?`;
/**
 * How the errors begin with which Redis says that it cannot now: it loads its file, is out of memory, a replica, has too few of them, or cannot
 * write to its disk.
 */
const BUSY_REDIS = new RegExp(
  `^${OF_SCRIPT}(?:LOADING|OOM|READONLY|MISCONF|NOREPLICAS|TRYAGAIN|CLUSTERDOWN|MASTERDOWN|BUSY)\\b`,
);
const REPLICA = new RegExp(`^${OF_SCRIPT}READONLY\\b`);
/**
 * Of ioredis and pg, and of the system below them. PostgreSQL's (its appendix A): it is not there, is stopping, has no room or no connection
 * left, undid what two have done to each other, or takes no writes because it is a standby.
 */
const CUT_OFF =
  /^(?:E(?:CONN[A-Z]+|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|NETDOWN|AI_AGAIN|NOTFOUND)|08[0-9A-Z]{3}|57P0[1-5]|53[0-9A-Z]{3}|40001|40P01|25006)$/;
const CLOSED =
  /^(?:Connection is closed|Connection terminated|Client has encountered a connection error|Stream isn't writeable|Cannot use a pool after calling end|timeout exceeded when trying to connect|timeout expired|Socket timeout|Socket closed unexpectedly)/;

/** True for an error that a later try may not meet. */
export function isPassing(error: unknown): boolean {
  if (!isRecord(error) || error instanceof FsqError) return false;
  const { code, message, name } = error;
  if (name === 'MaxRetriesPerRequestError') return true;
  if (typeof code === 'string' && CUT_OFF.test(code)) return true;
  return typeof message === 'string' && (BUSY_REDIS.test(message) || CLOSED.test(message));
}

/** True for the error of a Redis that only copies another. After a failover the name of the server leads to that one, and this one stays so. */
export function isOfReplica({ message }: Error): boolean {
  return REPLICA.test(message);
}

interface Waiter {
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
  /** Aborted: the wait ends. */
  readonly signal: AbortSignal | null;
}

/** How many steps wait, by those who are told: the first that waits tells it for all, and so does the last. */
const waiting = new WeakMap<NonNullable<Waiter['onEvent']>, number>();

/** Repeats `act` until it succeeds, or fails for a reason that does not pass. Null when `signal` aborts meanwhile. */
export async function waitForStore<T>({ onEvent, signal }: Waiter, act: () => Promise<T>): Promise<T | null> {
  let tries = 0;
  try {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs)) {
      try {
        return await act();
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (tries++ === 0) begin(onEvent, error);
      }
      if (signal?.aborted === true) return null;
      await wait(waitMs, undefined, signal === null ? {} : { signal }).catch(() => undefined); // Aborted: one last try.
    }
  } finally {
    if (tries > 0) end(onEvent);
  }
}

function begin(onEvent: Waiter['onEvent'], error: unknown): void {
  if (onEvent === undefined) return;
  const count = waiting.get(onEvent) ?? 0;
  waiting.set(onEvent, count + 1);
  if (count === 0) onEvent({ kind: 'disk-wait', error });
}

function end(onEvent: Waiter['onEvent']): void {
  if (onEvent === undefined) return;
  const count = (waiting.get(onEvent) ?? 1) - 1;
  waiting.set(onEvent, count);
  if (count === 0) onEvent({ kind: 'disk-wait-over' });
}

/**
 * Repeats `act` as `waitForStore` does, for so long, and no longer, also where the server says nothing at all. What it does may be done
 * after that.
 *
 * @throws the last error
 */
export async function inReason<T>(act: () => Promise<T>, longestMs: number = LONGEST_CALL_MS): Promise<T> {
  const late = new AbortController();
  let last: unknown = Object.assign(new Error(`there was no answer within ${longestMs / 1_000} s`), {
    code: 'ETIMEDOUT',
  });
  const trying = async (): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      last = error;
      throw error;
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<null>((resolve) => {
    timer = setTimeout(() => {
      late.abort();
      resolve(null);
    }, longestMs);
  });
  try {
    const done = await Promise.race([
      waitForStore({ signal: late.signal }, async () => ({ value: await trying() })),
      tooLate,
    ]);
    if (done === null) throw last;
    return done.value;
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats `act` until nothing has stood in its way for a moment: it gives up so long after the first refusal. Unlike `inReason`, what goes on
 * may take any time.
 *
 * @throws the last error, or one that does not pass
 */
export async function patiently<T>(act: () => Promise<T>, longestMs: number = LONGEST_CALL_MS): Promise<T> {
  let giveUpAt = Number.POSITIVE_INFINITY;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs)) {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error) || performance.now() >= giveUpAt) throw error;
      giveUpAt = Math.min(giveUpAt, performance.now() + longestMs);
    }
    await wait(waitMs);
  }
}
