/** What a signal means for a worker, given what it has been told before. Pure. */

export type Phase = 'running' | 'draining' | 'stopping';
export type ShutdownSignal = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'SIGQUIT';

const NUMBERS: Readonly<Record<ShutdownSignal, number>> = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGTERM: 15 };

/** First SIGTERM, SIGINT or SIGHUP: finish the jobs at hand. Second, or SIGQUIT: stop now, jobs are queued again. */
export function phaseAfter(phase: Phase, signal: ShutdownSignal): Phase {
  // A terminal that is closed sends it twice: by its shell and by the kernel.
  if (signal === 'SIGHUP' && phase !== 'running') return phase;
  return phase === 'running' && signal !== 'SIGQUIT' ? 'draining' : 'stopping';
}

/** 128 + the signal's number when a signal forced the end (as shells count); 1 when a job failed that counts; else 0. */
export function exitCodeOf(phase: Phase, signal: ShutdownSignal | null, hasFailedJob: boolean): number {
  if (phase === 'stopping' && signal !== null) return 128 + NUMBERS[signal];
  return hasFailedJob ? 1 : 0;
}
