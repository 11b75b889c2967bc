/** Time limits as abort signals, for waits of any length. */

/** Longest delay a timer takes, ms: beyond 2^31 - 1 Node fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A signal that aborts after `ms` (null: never) or with `outer`; `cancel` frees what it holds. */
export function abortAfter(
  ms: number | null,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let timer: NodeJS.Timeout | null = null;
  const endAt = performance.now() + (ms ?? 0);
  const arm = (): void => {
    const leftMs = Math.ceil(endAt - performance.now());
    if (leftMs <= 0) abort();
    else timer = setTimeout(arm, Math.min(leftMs, LONGEST_TIMER_MS));
  };
  if (ms !== null) arm();
  outer?.addEventListener('abort', abort);
  if (outer?.aborted === true) abort();
  return {
    signal: controller.signal,
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
    },
  };
}
