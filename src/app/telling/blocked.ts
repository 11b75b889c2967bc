/** Processes whose event loop does not turn, because a task computes without a pause, say. Pure. */
import type { OwnerInfo } from '../../broker/broker.ts';
import { span } from '../../job/text.ts';
import { processText } from './standstill.ts';

/** Who has not answered for so long is blocked, ms: before that it may have been busy. A look waits so long for an answer that does not come. */
export const BLOCKED_MS = 1_000;

export function isBlocked({ pulse, verdict }: OwnerInfo): boolean {
  return verdict === 'alive' && pulse?.isBlocked === true && pulse.delayMs >= BLOCKED_MS;
}

/** Of one that is blocked, in a sentence or two. */
export function blockedText(owner: OwnerInfo): string {
  const ms = Math.floor((owner.pulse?.delayMs ?? 0) / 1_000) * 1_000;
  return `Process ${processText(owner)} has not answered for ${span(ms)} or longer: what it runs computes without a pause, or it is stopped. Nothing else runs in it meanwhile; a \`timeLimit\` ends such a run.`;
}
