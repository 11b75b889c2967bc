/** What a signal means for a worker, given what it has been told before. Pure. */

export type Phase = 'running' | 'draining' | 'stopping';
export type ShutdownSignal = 'SIGINT' | 'SIGTERM' | 'SIGQUIT';

const NUMBERS: Readonly<Record<ShutdownSignal, number>> = { SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** First SIGTERM or SIGINT: finish the jobs at hand. Second, or SIGQUIT: stop now, jobs are queued again. */
export function phaseAfter(phase: Phase, signal: ShutdownSignal): Phase {
  return phase === 'running' && signal !== 'SIGQUIT' ? 'draining' : 'stopping';
}

/** 0 for an orderly end; 128 + the signal's number when a signal forced it (as shells count). */
export function exitCodeOf(phase: Phase, signal: ShutdownSignal | null): number {
  return phase === 'stopping' && signal !== null ? 128 + NUMBERS[signal] : 0;
}
