/** What the conformance tests have in common. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type {
  Claim,
  Consumer,
  ConsumerOptions,
  Hint,
  Hints,
  Keeper,
  KeeperOptions,
} from '../../src/broker/worker-side.ts';
import { within } from '../support/conditions.ts';
import { job, type JobParts, returned, RUN } from '../support/factory.ts';

/** Opens an empty store for one test, and sees to its end. A second call in the same test opens the same store again. */
export type OpenBroker = (t: TestContext) => Promise<Broker>;

export function newJob(broker: Broker, parts: JobParts = {}): NewJob {
  return job({ id: broker.nextId(), ...parts });
}

export async function enqueueOne(broker: Broker): Promise<NewJob> {
  const sent = newJob(broker);
  await broker.enqueue([sent]);
  return sent;
}

/** Hints in a test's hands: the consumer that has them is told what `tell` says. */
export function hintsOf(want: Hints['want'] = () => undefined): Hints & { readonly tell: (hint: Hint) => void } {
  let hear: (hint: Hint) => void = () => undefined;
  return { want, listen: (listener) => (hear = listener), tell: (hint) => hear(hint) };
}

export async function consumer(
  t: TestContext,
  broker: Broker,
  options: Partial<ConsumerOptions> = {},
): Promise<Consumer> {
  const opened = await broker.consumer({ queues: null, tasks: [], ...options });
  t.after(() => opened.close());
  return opened;
}

export async function keeper(t: TestContext, broker: Broker, options: Partial<KeeperOptions> = {}): Promise<Keeper> {
  const opened = await broker.keeper({ queues: null, onReady: () => undefined, ...options });
  t.after(() => opened.close());
  return opened;
}

export async function nextOf(each: Consumer): Promise<Claim> {
  const claim = await within(each.next(never()), 'a claim');
  assert.ok(claim !== null);
  return claim;
}

/** Claims the next job with a consumer of its own. */
export async function claimNext(t: TestContext, broker: Broker): Promise<Claim> {
  return nextOf(await consumer(t, broker));
}

/** Claims and ends `count` jobs; their ids in the order of the claims. */
export async function claimAll(each: Consumer, count: number): Promise<string[]> {
  const order: string[] = [];
  while (order.length < count) {
    const claim = await nextOf(each);
    order.push(claim.job.id);
    await claim.settle(returned(null), RUN);
  }
  return order;
}

export function never(): AbortSignal {
  return new AbortController().signal;
}

export function valueOf(record: Awaited<ReturnType<Broker['outcome']>>): unknown {
  return record?.outcome?.state === 'succeeded' ? record.outcome.value : undefined;
}
