/** Many that end, in the order in which they do. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { abortAfter } from '../timers.ts';

/** Waits begun before other work of this process gets its turn: each looks whether the outcome is there. */
const YIELD_EVERY = 256;

/** Resolves with the time of the member's end, Unix ms, or with null when the signal aborts first. */
type EndOf<M> = (member: M, signal: AbortSignal) => Promise<number | null>;

interface End<M> {
  readonly member: M;
  readonly atMs: number;
}

/**
 * Gives each of `members` once it has ended: first those that have ended before, in the order in which they did. Of others that are found ended
 * together, too, the one that ended first comes first.
 *
 * @throws what the first `endOf` throws
 */
export async function* inOrderOfEnds<M>(members: readonly M[], endOf: EndOf<M>): AsyncGenerator<M, void, undefined> {
  const before = await endsBefore(members, endOf);
  for (const { member } of inOrder(before)) yield member;
  const known = new Set(before.map(({ member }) => member));
  yield* asTheyEnd(
    members.filter((member) => !known.has(member)),
    endOf,
  );
}

/** One whose outcome takes longer to be read would come behind those that ended after it: so all are looked at first. */
async function endsBefore<M>(members: readonly M[], endOf: EndOf<M>): Promise<readonly End<M>[]> {
  const ends: End<M>[] = [];
  const atOnce = AbortSignal.abort(); // With it none is waited for.
  for (let i = 0; i < members.length; i += YIELD_EVERY) {
    const looked = members.slice(i, i + YIELD_EVERY).map(async (member) => {
      const atMs = await endOf(member, atOnce);
      if (atMs !== null) ends.push({ member, atMs });
    });
    await Promise.all(looked);
    await yieldToOthers();
  }
  return ends;
}

async function* asTheyEnd<M>(members: readonly M[], endOf: EndOf<M>): AsyncGenerator<M, void, undefined> {
  const stop = new AbortController();
  const ended: End<M>[] = [];
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
      const found = inOrder(ended.splice(0));
      left -= found.length;
      for (const { member } of found) yield member;
    }
  } finally {
    stop.abort();
    await waits;
  }
}

function inOrder<M>(ends: readonly End<M>[]): readonly End<M>[] {
  return ends.toSorted((a, b) => a.atMs - b.atMs);
}

interface Hearer<M> {
  ended(member: M, atMs: number): void;
  failed(error: unknown): void;
}

async function waitForAll<M>(
  members: readonly M[],
  signal: AbortSignal,
  endOf: EndOf<M>,
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
