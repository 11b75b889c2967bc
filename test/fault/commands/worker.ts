/** The others at the place under fire: who plants a job before the fault, and the worker that drains the place after it. */
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import type { Broker } from '../../../src/broker/broker.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import { openBullBroker } from '../../../src/bullmq/bull-broker.ts';
import { returned } from '../../support/factory.ts';
import { nextWithin } from '../../support/next-claim.ts';

/** fsq takes a server for gone that has not answered within half of this: on a busy machine everything may stand still for a second or two. */
export const LOCK_MS = 6_000;
/** Of whoever is to live: on a busy machine more than a lock of `LOCK_MS` may pass between a claim and its end. */
export const LIVING_LOCK_MS = 30_000;

export function openAt(address: string, { aheadMs = 0, lockMs = LOCK_MS } = {}): Promise<Broker> {
  return openBullBroker({ address: parseBrokerAddress(address), lockMs, nowMs: () => Date.now() + aheadMs });
}

/** Claims a job by a process that tells nobody, and renews no lock. */
export async function claimOne(broker: Broker): Promise<{ readonly owner: string; readonly claim: Claim }> {
  const line = { say: () => undefined, listen: () => undefined };
  const consumer = await broker.consumer({ queues: null, tasks: ['echo'], line });
  const claim = await nextWithin(consumer, 10_000);
  await consumer.close();
  if (claim === null) throw new Error('Nothing to claim.');
  return { owner: consumer.owner, claim };
}

export interface Run {
  readonly id: string;
  readonly attempt: number;
  readonly beganMs: number;
}

interface Draining {
  /** The owner that its worker has seen die. */
  readonly dead: string | null;
  readonly isOver: () => Promise<boolean>;
  readonly limitMs: number;
  /** That of the consumer, whose locks must not end. Default: the other one. */
  readonly living?: Broker;
}

/** A worker that runs whatever comes, until `isOver`, or until `limitMs` have passed. */
export async function drain(
  broker: Broker,
  { dead, isOver, limitMs, living = broker }: Draining,
): Promise<{ readonly runs: readonly Run[]; readonly isDrained: boolean }> {
  const keeper = await broker.keeper({ queues: null });
  const consumer = await living.consumer({ queues: null, tasks: ['echo'] });
  keeper.know(['echo']);
  if (dead !== null) await keeper.recover(dead, 'crashed');
  const stop = new AbortController();
  const runs: Run[] = [];
  const working = (async () => {
    for (let claim = await consumer.next(stop.signal); claim !== null; claim = await consumer.next(stop.signal)) {
      const { job, standing } = claim;
      const nowMs = Date.now();
      runs.push({ id: job.id, attempt: standing.attempt, beganMs: nowMs });
      await claim.settle(returned({ by: 'drain', args: job.args }), { startedAtMs: nowMs, endedAtMs: nowMs });
    }
  })();
  working.catch(() => stop.abort()); // It is thrown below. Until then nobody else may be told of it.
  const endAt = performance.now() + limitMs;
  try {
    let isDrained = await isOver();
    while (!isDrained && performance.now() < endAt && !stop.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      isDrained = await isOver();
    }
    stop.abort();
    await working;
    return { runs, isDrained };
  } finally {
    stop.abort();
    await consumer.close();
    await keeper.close();
  }
}
