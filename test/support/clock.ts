/** A wall clock that stands still until a test moves it. */

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
