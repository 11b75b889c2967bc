/** A timer for waits of any length: Node.js fires at once where one is longer than 2^31 - 1 ms, which is 25 days. */

/** Longest delay that a timer takes, ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface LongTimer {
  cancel(): void;
}

/** Calls `act` once `ms` have passed by a clock that nobody sets. It holds the process open, as a timer does. */
export function after(ms: number, act: () => void): LongTimer {
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > partMs ? arm(leftMs - partMs) : act()), Math.ceil(partMs));
  };
  arm(ms);
  return { cancel: () => clearTimeout(timer) };
}
