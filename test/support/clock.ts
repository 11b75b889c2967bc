/** Time in the hands of a test: a wall clock that stands still, and elapsed time that can be made to jump. */
import type { TestContext } from 'node:test';

export interface Clock {
  readonly nowMs: () => number;
  /** May be negative: wall clocks step back. */
  advance(ms: number): void;
}

export function clock(startMs: number = Date.now()): Clock {
  let ms = startMs;
  return {
    nowMs: () => ms,
    advance: (by) => {
      ms += by;
    },
  };
}

/** Real elapsed time (`performance.now`), to which a test can add. Timers do not jump. */
export function elapsedTime(t: TestContext): { skip(ms: number): void } {
  const real = performance.now.bind(performance);
  let skippedMs = 0;
  t.mock.method(performance, 'now', () => real() + skippedMs);
  return {
    skip: (ms) => {
      skippedMs += ms;
    },
  };
}

/**
 * Elapsed time (`performance.now`) that stands still until `goOn`, then is the real one again: for what holds for some milliseconds only,
 * and would be over where the machine stands still between two lines of a test. `skip` moves it on. Timers do not stand still.
 */
export function standstill(t: TestContext): { goOn(): void; skip(ms: number): void } {
  const real = performance.now.bind(performance);
  let standsAtMs = real();
  let isStanding = true;
  t.mock.method(performance, 'now', () => (isStanding ? standsAtMs : real()));
  return {
    goOn: () => {
      isStanding = false;
    },
    skip: (ms) => {
      standsAtMs += ms;
    },
  };
}
