/** Event loop delays of processes, as looks find them one after the other: the longest lately, and since when a process is blocked. */
import { isBlocked } from '../../../app/telling/blocked.ts';
import type { OwnerInfo } from '../../../broker/broker.ts';
import type { LoopDelay } from '../../wire-workers.ts';

/** A delay is shown for so long, ms: it is over before anybody has read it. */
const SHOWN_MS = 60_000;
/** Delays are told in steps, ms, rounded up: each breath of a process has another one. */
const STEPS_MS = [10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000];

interface Known {
  /** The longest, until another is longer or it is too old. */
  readonly longest: { readonly ms: number; readonly atMs: number };
  readonly blockedSinceMs: number | null;
}

export class LoopDelays {
  /** By owner, of those that the last look has found. */
  #known: ReadonlyMap<string, Known> = new Map();

  /** @returns by owner what is known now */
  note(owners: readonly OwnerInfo[], nowMs: number): ReadonlyMap<string, LoopDelay> {
    const known = owners.flatMap((one) => {
      const now = knownOf(one, this.#known.get(one.owner) ?? null, nowMs);
      return now === null ? [] : [[one.owner, now] as const];
    });
    this.#known = new Map(known);
    return new Map(
      known.map(([owner, { longest, blockedSinceMs }]) => [owner, { longestMs: stepOf(longest.ms), blockedSinceMs }]),
    );
  }
}

/** Null: nobody tells. */
function knownOf(one: OwnerInfo, before: Known | null, nowMs: number): Known | null {
  const { pulse, verdict } = one;
  if (pulse === undefined || verdict === 'dead') return null;
  const { delayMs: ms } = pulse;
  const isLonger = before === null || ms >= before.longest.ms || before.longest.atMs < nowMs - SHOWN_MS;
  return {
    longest: isLonger ? { ms, atMs: nowMs } : before.longest,
    // What a look finds differs by some ms each time.
    blockedSinceMs: isBlocked(one) ? (before?.blockedSinceMs ?? Math.round(nowMs - ms)) : null,
  };
}

function stepOf(ms: number): number {
  return STEPS_MS.find((step) => ms <= step) ?? Math.ceil(ms / 60_000) * 60_000;
}
