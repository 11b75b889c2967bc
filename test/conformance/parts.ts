/** What the conformance tests have in common. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type {
  Claim,
  Consumer,
  ConsumerOptions,
  Keeper,
  KeeperOptions,
  Line,
  Member,
} from '../../src/broker/worker-side.ts';
import { within } from '../support/conditions.ts';
import { job, type JobParts, returned, RUN } from '../support/factory.ts';

/** Opens an empty store for one test, and sees to its end. A second call in the same test opens the same store again. */
export type OpenBroker = (t: TestContext, options?: { readonly resultTtlMs: number }) => Promise<Broker>;

export function newJob(broker: Broker, parts: JobParts = {}): NewJob {
  return job({ id: broker.nextId(), ...parts });
}

export async function enqueueOne(broker: Broker): Promise<NewJob> {
  const sent = newJob(broker);
  await broker.enqueue([sent]);
  return sent;
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
  const opened = await broker.keeper({ queues: null, ...options });
  t.after(() => opened.close());
  return opened;
}

/** A child of a worker. */
export interface Child {
  readonly consumer: Consumer;
  readonly member: Member;
  /** The jobs for which it was to be killed. */
  readonly killedFor: readonly string[];
}

/** A consumer that has joined a keeper. What the two say to each other is carried as a worker does it: as JSON, a turn later. */
export async function child(
  t: TestContext,
  broker: Broker,
  parent: Keeper,
  options: Partial<ConsumerOptions> = {},
): Promise<Child> {
  let hasEnded = false;
  t.after(() => (hasEnded = true));
  const carry = (word: unknown, to: (word: unknown) => void): void => {
    const text = JSON.stringify(word);
    setImmediate(() => hasEnded || to(JSON.parse(text)));
  };
  let hear: (word: unknown) => void = () => undefined;
  const line: Line = {
    say: (word) => carry(word, (heard) => member.hear(heard)),
    listen: (listener) => (hear = listener),
  };
  const opened = await consumer(t, broker, { parent: parent.owner, line, ...options });
  const killedFor: string[] = [];
  const member = parent.join(opened.owner, {
    say: (word) => carry(word, (heard) => hear(heard)),
    terminate: (id) => void killedFor.push(id),
    fence: () => undefined,
  });
  return { consumer: opened, member, killedFor };
}

/** A line that carries nothing, until it ends. */
export function silentLine(): Line & { readonly end: () => void } {
  let tellEnd: () => void = () => undefined;
  return { say: () => undefined, listen: (_hear, end) => (tellEnd = end), end: () => tellEnd() };
}

export async function nextOf(each: Consumer): Promise<Claim> {
  const over = new AbortController();
  try {
    const claim = await within(each.next(over.signal), 'a claim');
    assert.ok(claim !== null);
    return claim;
  } finally {
    over.abort(); // A wait in vain would keep the process of the tests from ending.
  }
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
