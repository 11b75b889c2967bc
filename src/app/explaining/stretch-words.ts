/** The stretches of a job's life in words: with how long each took for a terminal, and without for a page, which draws that. Pure. */
import type { RunEnd, Stretch, WaitedFor } from './timeline.ts';

export const WAITED: Readonly<Record<Exclude<WaitedFor, 'sent-back'>, string>> = {
  turn: 'for its turn',
  time: 'for its time',
  others: 'for what it comes after',
  retry: 'for the retry',
  process: 'after the loss of its process',
  task: 'for a worker that knows its task',
  move: 'to arrive in the place that it is moved to',
};

/** What an attempt did, and the word before how long. */
export const RAN: Readonly<Record<RunEnd, readonly [string, string]>> = {
  succeeded: ['succeeded', 'in'],
  failed: ['failed', 'after'],
  revoked: ['was revoked', 'after'],
  expired: ['expired', 'after'],
  lost: ['lost its process', 'after'],
  runs: ['has run', 'for'],
};

/** These attempts were interrupted, and nothing was written of them. */
export function untoldWords({ from, to }: { readonly from: number; readonly to: number }): string {
  const which = from === to ? `attempt ${from} was` : `attempts ${from} to ${to} were`;
  return `${which} interrupted; when is not kept`;
}

/** What an attempt did, or does. */
export function ranWord(end: RunEnd): string {
  return end === 'runs' ? 'runs' : RAN[end][0];
}

/** A stretch without its times. */
export function stretchWords(stretch: Stretch): string {
  if (stretch.kind === 'untold') return untoldWords(stretch);
  if (stretch.kind === 'ran') return `attempt ${stretch.attempt} ${ranWord(stretch.end)}`;
  const isOver = stretch.toMs !== null;
  if (stretch.why === 'sent-back')
    return isOver ? 'had ended, until it was sent back' : 'was sent back, and waits for its turn';
  return `${isOver ? 'waited' : 'waits'} ${WAITED[stretch.why]}`;
}
