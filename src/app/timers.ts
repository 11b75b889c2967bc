/** Timers for waits of any length, and such waits as abort signals. */

/** Longest delay that a timer of Node.js takes, ms, 25 days: it fires at once where one is longer. */
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

/** @throws the reason of a signal that is aborted; signals of older packages have no reason, and no such method */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason ?? new DOMException('This operation was aborted', 'AbortError');
}

/** A signal that aborts after `ms` (null: never) or with `outer`; null where neither can be. `cancel` frees what it holds. */
export function abortAfter(
  ms: number | null,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal | null; cancel(): void } {
  if (ms === null && outer === undefined) return ENDLESS;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = ms === null || ms <= 0 ? null : after(ms, abort);
  if (ms !== null && ms <= 0) abort();
  const forget = outer === undefined ? null : onAbort(outer, abort);
  if (outer?.aborted === true) abort();
  return {
    signal: controller.signal,
    cancel: () => {
      timer?.cancel();
      forget?.();
    },
  };
}

/** A plain `get()`: a signal for each costs more than all else that such a wait makes. */
const ENDLESS = { signal: null, cancel: (): void => undefined };

/** The functions to call when a signal aborts. One listener calls all of them: Node.js warns of a leak where there are eleven. */
const actsOf = new WeakMap<AbortSignal, Set<() => void>>();

/** @returns forgets `act`, which no other call may have given */
function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = actsOf.get(signal) ?? listen(signal);
  acts.add(act);
  return () => void acts.delete(act);
}

/** The listener stays: it holds nothing but the set, and is collected with the signal. */
function listen(signal: AbortSignal): Set<() => void> {
  const acts = new Set<() => void>();
  actsOf.set(signal, acts);
  signal.addEventListener('abort', () => [...acts].forEach((act) => act()));
  return acts;
}
