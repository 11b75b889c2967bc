/**
 * What went on lately, in slots of equal length: three rings, from the last minute by seconds to the last day by five minutes. Slots count
 * from 1970, so those of many processes add up.
 */
import { isRecord } from '../../job/values/realm.ts';
import { addBuckets, type Buckets, parseBuckets, parseCounts } from './histogram.ts';

/** What ended within one slot. */
export interface Slot {
  /** When it begins: Unix ms by the length of a slot. */
  readonly at: number;
  /** Jobs that came to their end, those that failed among them. */
  readonly ended: number;
  readonly failed: number;
  /** How long jobs waited whose first run began, and how long runs took: see histogram.ts. */
  readonly wait: Buckets;
  readonly run: Buckets;
}

/** Slots in which something ended, the earliest first. */
export type Ring = readonly Slot[];

/** How long a slot is, ms, and how many a ring has. */
export const RINGS = {
  seconds: { everyMs: 1_000, slots: 60 },
  quarterMinutes: { everyMs: 15_000, slots: 60 },
  fiveMinutes: { everyMs: 300_000, slots: 288 },
} as const;
export type RingName = keyof typeof RINGS;
export type History = Readonly<Record<RingName, Ring>>;

export const NO_HISTORY: History = { seconds: [], quarterMinutes: [], fiveMinutes: [] };
const NAMES = Object.keys(RINGS) as readonly RingName[];

/** What ended, and is counted where it belongs. */
export type Counted = Omit<Slot, 'at'>;

/** `history` with what ended at `nowMs`. Slots that lie ahead are dropped: the clock was set back. */
export function withCounted(history: History, counted: Counted, nowMs: number): History {
  if (counted.ended === 0 && counted.wait.length === 0 && counted.run.length === 0) return history;
  return mapRings((name) => {
    const at = slotAt(name, nowMs);
    return kept(name, sumOf([...history[name], { at, ...counted }]), at);
  });
}

/** The sum of histories, up to `nowMs`. */
export function sumOfHistories(histories: readonly History[], nowMs: number): History {
  return mapRings((name) => kept(name, sumOf(histories.flatMap((history) => history[name])), slotAt(name, nowMs)));
}

/** Every slot of a ring up to `nowMs`, the earliest first, those in which nothing ended among them. The last one goes on. */
export function slotsUpTo(history: History, name: RingName, nowMs: number): readonly Slot[] {
  const bySlot = new Map(history[name].map((slot) => [slot.at, slot]));
  const { slots } = RINGS[name];
  const first = slotAt(name, nowMs) - slots + 1;
  return Array.from({ length: slots }, (_, i) => bySlot.get(first + i) ?? emptySlot(first + i));
}

/** What the slots come to together, for quantiles and rates over all of them. */
export function totalOfSlots(slots: readonly Slot[]): Counted {
  return slots.reduce<Counted>(plus, emptySlot(0));
}

/** Null for anything else. Slots beyond those of the ring are left out. */
export function parseHistory(value: unknown): History | null {
  if (!isRecord(value)) return null;
  const rings = NAMES.map((name) => parseRing(value[name], RINGS[name].slots));
  return rings.includes(null) ? null : mapRings((name) => rings[NAMES.indexOf(name)] ?? []);
}

function parseRing(value: unknown, most: number): Ring | null {
  if (!Array.isArray(value)) return null;
  const slots = value.slice(-most).map(parseSlot);
  return slots.every((slot) => slot !== null) ? slots : null;
}

function parseSlot(value: unknown): Slot | null {
  if (!isRecord(value)) return null;
  const counts = parseCounts(value, ['at', 'ended', 'failed']);
  const [wait, run] = [parseBuckets(value['wait']), parseBuckets(value['run'])];
  if (counts === null || wait === null || run === null) return null;
  return { ...counts, wait, run };
}

function slotAt(name: RingName, nowMs: number): number {
  return Math.floor(nowMs / RINGS[name].everyMs);
}

function mapRings(ringOf: (name: RingName) => Ring): History {
  return {
    seconds: ringOf('seconds'),
    quarterMinutes: ringOf('quarterMinutes'),
    fiveMinutes: ringOf('fiveMinutes'),
  };
}

function kept(name: RingName, ring: Ring, now: number): Ring {
  return ring.filter(({ at }) => at <= now && at > now - RINGS[name].slots);
}

/** One slot for each time. */
function sumOf(slots: readonly Slot[]): Ring {
  const sums = new Map<number, Slot>();
  for (const slot of slots) {
    const before = sums.get(slot.at);
    sums.set(slot.at, before === undefined ? slot : { at: slot.at, ...plus(before, slot) });
  }
  return [...sums.values()].toSorted((a, b) => a.at - b.at);
}

function plus(a: Counted, b: Counted): Counted {
  return {
    ended: a.ended + b.ended,
    failed: a.failed + b.failed,
    wait: bucketSum(a.wait, b.wait),
    run: bucketSum(a.run, b.run),
  };
}

function bucketSum(a: Buckets, b: Buckets): Buckets {
  const sum = [...a];
  addBuckets(sum, b);
  return sum;
}

function emptySlot(at: number): Slot {
  return { at, ended: 0, failed: 0, wait: [], run: [] };
}
