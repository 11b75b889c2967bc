/** Waiting out a full or failing disk: what was done is kept, and finished when the disk takes it. */
import { setTimeout as wait } from 'node:timers/promises';
import type { BrokerEvent } from '../broker/worker-side.ts';
import { orElse, type Soon } from '../broker/soon.ts';
import { isOwnLack, isPassing } from './trouble.ts';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;
/**
 * How long this process may lack descriptors or memory, ms. A task that has used them up gives them back only with its process; whoever
 * recovers what that held then counts a crash.
 */
const OWN_LACK_MS = 30_000;

/**
 * Repeats `act` until it succeeds or fails for a reason that does not pass; says once that it waits, and once that it goes on.
 *
 * @param giveUp aborted: the next failure is thrown, whatever it is
 */
export function withPatience<T>(
  onEvent: ((event: BrokerEvent) => void) | undefined,
  act: () => Soon<T>,
  giveUp?: AbortSignal,
): Soon<T> {
  return orElse(act, (error) => waitOut(error, onEvent, act, giveUp));
}

async function waitOut<T>(
  firstError: unknown,
  onEvent: ((event: BrokerEvent) => void) | undefined,
  act: () => Soon<T>,
  giveUp: AbortSignal | undefined,
): Promise<T> {
  let error = firstError;
  const startedAt = performance.now();
  for (let waitMs = FIRST_WAIT_MS, tries = 0; ; waitMs = Math.min(LONGEST_WAIT_MS, 2 * waitMs), tries++) {
    const isLacking = isOwnLack(error) && performance.now() - startedAt > OWN_LACK_MS;
    if (!isPassing(error) || isLacking || giveUp?.aborted === true) throw error;
    if (tries === 0) onEvent?.({ kind: 'paused', error });
    await wait(waitMs, undefined, { signal: giveUp }).catch(() => undefined); // Aborted: one last try.
    try {
      const result = await act();
      onEvent?.({ kind: 'resumed' });
      return result;
    } catch (again) {
      error = again;
    }
  }
}
