/** Time limits as abort signals, for waits of any length. */
import { after } from './long-timer.ts';

/** @throws the reason of a signal that is aborted; signals of older packages have no reason, and no such method */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw signal.reason ?? new DOMException('This operation was aborted', 'AbortError');
}

/** A signal that aborts after `ms` (null: never) or with `outer`; `cancel` frees what it holds. */
export function abortAfter(
  ms: number | null,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; cancel(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  const timer = ms === null || ms <= 0 ? null : after(ms, abort);
  if (ms !== null && ms <= 0) abort();
  outer?.addEventListener('abort', abort);
  if (outer?.aborted === true) abort();
  return {
    signal: controller.signal,
    cancel: () => {
      timer?.cancel();
      outer?.removeEventListener('abort', abort);
    },
  };
}
