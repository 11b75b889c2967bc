/** Random values that can be made again: the same seed gives the same values, on every machine. */
import type { JsonValue } from '../../src/job/values/json.ts';

export interface Random {
  readonly seed: number;
  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
}

/** The generator mulberry32 (Tommy Ettinger, public domain). */
export function random(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    seed,
    below,
    pick: (items) => {
      const item = items[below(items.length)];
      if (item === undefined) throw new Error('Expected something to pick from');
      return item;
    },
  };
}

/** A new seed, or the one that TEST_SEED asks for, to repeat a failure. */
export function newSeed(): number {
  return Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000_000);
}

/** Runs `act` with `count` seeds; a failure names the seed that repeats it. */
export async function forSeeds(count: number, act: (random: Random) => void | Promise<void>): Promise<void> {
  const first = newSeed();
  for (let seed = first; seed < first + count; seed++) {
    try {
      await act(random(seed));
    } catch (error) {
      throw new Error(`Failed with TEST_SEED=${seed}`, { cause: error });
    }
  }
}

const TEXTS = [
  '',
  'a',
  '}',
  '\n',
  '\n,"attempts":',
  '"',
  '\\',
  '\u0000',
  '\u2028',
  'é',
  '世界',
  '👋',
  '\ud800',
  '__proto__',
  'x'.repeat(300),
];

/** Any value that JSON carries; the nastiest texts are the likeliest. */
export function jsonValue(random: Random, depth = 0): JsonValue {
  switch (random.below(depth > 3 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.pick([0, 1, -1, 1.5, 1e300, 5e-324, Number.MAX_SAFE_INTEGER, random.below(1e9)]);
    case 3:
    case 4:
      return text(random);
    case 5:
      return Array.from({ length: random.below(4) }, () => jsonValue(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => [text(random), jsonValue(random, depth + 1)]),
      );
  }
}

/** Some of the nastiest texts, joined. */
export function text(random: Random): string {
  return Array.from({ length: random.below(3) + 1 }, () => random.pick(TEXTS)).join('');
}
