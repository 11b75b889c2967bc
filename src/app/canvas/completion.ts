/** Many that end, in the order in which they do. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { abortAfter } from '../timers.ts';

/** Waits begun before other work of this process gets its turn: each looks whether the outcome is there. */
const YIELD_EVERY = 256;

/**
 * Gives each of `members` once it has ended. Of those that are found ended together, the one that ended first comes first.
 *
 * @param endOf resolves with the time of its end, Unix ms, or with null when the signal aborts first
 * @throws what the first `endOf` throws
 */
export async function* inOrderOfEnds<M>(
  members: readonly M[],
  endOf: (member: M, signal: AbortSignal) => Promise<number | null>,
): AsyncGenerator<M, void, undefined> {
  const stop = new AbortController();
  const ended: { readonly member: M; readonly atMs: number }[] = [];
  const failures: unknown[] = [];
  let wake = (): void => undefined;
  const hear = (act: () => void): void => {
    act();
    wake();
  };
  const waits = waitForAll(members, stop.signal, endOf, {
    ended: (member, atMs) => hear(() => ended.push({ member, atMs })),
    failed: (error) => hear(() => failures.push(error)),
  });
  try {
    for (let left = members.length; left > 0;) {
      if (ended.length === 0 && failures.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      await yieldToOthers(); // What was heard of in the same moment is sorted together.
      if (failures.length > 0) throw failures[0];
      const found = ended.splice(0).toSorted((a, b) => a.atMs - b.atMs);
      left -= found.length;
      for (const { member } of found) yield member;
    }
  } finally {
    stop.abort();
    await waits;
  }
}

interface Hearer<M> {
  ended(member: M, atMs: number): void;
  failed(error: unknown): void;
}

async function waitForAll<M>(
  members: readonly M[],
  signal: AbortSignal,
  endOf: (member: M, signal: AbortSignal) => Promise<number | null>,
  hearer: Hearer<M>,
): Promise<void> {
  const waits: Promise<void>[] = [];
  const wait = async (member: M): Promise<void> => {
    // A signal of its own: thousands that listen to one are slow to leave it.
    const limit = abortAfter(null, signal);
    try {
      const atMs = await endOf(member, limit.signal ?? signal);
      if (atMs !== null) hearer.ended(member, atMs);
    } catch (error) {
      hearer.failed(error);
    } finally {
      limit.cancel();
    }
  };
  for (const member of members) {
    if (signal.aborted) break;
    waits.push(wait(member));
    if (waits.length % YIELD_EVERY === 0) await yieldToOthers();
  }
  await Promise.all(waits);
}
