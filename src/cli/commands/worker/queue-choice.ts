/** Which queues a worker takes jobs of, and in which order, as the command line says it. */
import { BY_AGE, type QueueOrder } from '../../../broker/worker-side.ts';
import { UsageError } from '../../../job/errors.ts';
import { isQueueName, refuseQueue } from '../../../job/names.ts';
import { format } from '../../../job/text.ts';

/** More for one queue than this for another is not taking turns. */
const MOST_WEIGHT = 1_000;

const ALL_WITHOUT = '. Without --queues jobs of all queues are taken';

interface QueueChoice {
  /** Null for all. */
  readonly queues: readonly string[] | null;
  readonly order: QueueOrder;
}

/**
 * @param text as it was given; null when it was not
 * @throws UsageError
 */
export function parseQueues(text: string | null, inOrder: boolean): QueueChoice {
  if (text === null) {
    if (inOrder)
      throw new UsageError('Expected --queues with --in-order: the order is that of the list, such as -Q mail,default');
    return { queues: null, order: BY_AGE };
  }
  const weights = new Map<string, number>();
  for (const part of text.split(',')) {
    const [name = '', weight = null, ...rest] = part.trim().split('=');
    const queue = isQueueName(name) ? name : refuseQueue(name, 'each queue in --queues', ALL_WITHOUT);
    if (weights.has(queue)) throw new UsageError(`Expected each queue once in --queues, got ${queue} twice`);
    if (rest.length > 0 || (weight !== null && !isWeight(weight))) {
      throw new UsageError(
        `Expected --queues to give ${queue} a weight from 1 to ${MOST_WEIGHT}, such as ${queue}=3, got ${format(part.trim())}; \`fsq pause ${queue}\` lets no job of it start`,
      );
    }
    if (weight !== null && inOrder) throw new UsageError(`Expected weights or --in-order, got both: ${format(text)}`);
    weights.set(queue, Number(weight ?? 1));
  }
  return { queues: [...weights.keys()], order: { kind: inOrder ? 'listed' : 'turns', weights } };
}

function isWeight(text: string): boolean {
  return /^\d{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_WEIGHT;
}
