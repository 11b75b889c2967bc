/** What every broker promises of queues: pauses, limits over all consumers, and whose jobs come first. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { Claim, Consumer, ConsumerOptions } from '../../src/broker/worker-side.ts';
import type { LimitRules, QueueLimits } from '../../src/job/queue-limits.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import { claimAll, consumer, hintsOf, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

export function queues(open: OpenBroker): void {
  pauses(open);
  limits(open);
  orders(open);
}

function pauses(open: OpenBroker): void {
  test('a paused queue gives no job until it is resumed; others go on', async (t) => {
    const broker = await open(t);
    const [held, free] = [newJob(broker, { queue: 'mail' }), newJob(broker)];
    assert.equal(await broker.pause('mail'), true);
    const each = await consumer(t, broker);
    await broker.enqueue([held, free]);

    const claim = await nextOf(each);
    assert.equal(claim.job.id, free.job.id);
    await claim.settle(returned(1), RUN);
    assert.equal(await nextWithin(each, 150), null);
    assert.equal(await broker.resume('mail'), true);

    assert.equal((await nextOf(each)).job.id, held.job.id);
  });

  test('a queue is paused while a consumer waits', async (t) => {
    const broker = await open(t);
    const other = await open(t);
    const each = await consumer(t, broker);
    assert.equal(await nextWithin(each, 30), null);

    await other.pause('default');
    await new Promise((resolve) => setTimeout(resolve, 100)); // It has heard of it by then.
    await broker.enqueue([newJob(broker)]);

    assert.equal(await nextWithin(each, 150), null);
    await other.resume('default');
    await nextOf(each);
  });

  test('who is given names of a queue that it heard is paused does not begin them', async (t) => {
    const broker = await open(t);
    const names = (await keeper(t, broker)).take(1);
    assert.deepEqual(names, []);
    const jobs = [newJob(broker, { queue: 'mail' }), newJob(broker)];
    await broker.enqueue(jobs);
    const each = await given(t, broker, (await keeper(t, broker)).take(1), { paused: ['mail'] });
    const other = await given(t, broker, (await keeper(t, broker)).take(1), { paused: ['others'] });

    assert.equal(await nextWithin(each, 100), null);
    assert.equal((await nextOf(other)).standing.queue, 'mail');
  });

  test('pauses are told, also of queues without jobs, and twice is once', async (t) => {
    const broker = await open(t);
    const other = await open(t);

    assert.deepEqual([await broker.pause('b'), await other.pause('b'), await other.pause('a')], [true, false, true]);
    assert.deepEqual(await broker.paused(), ['a', 'b']);
    assert.deepEqual([await broker.resume('b'), await other.resume('b')], [true, false]);
    assert.deepEqual(await other.paused(), ['a']);
  });

  test('a keeper gives no names of paused queues, tells of them, and takes them for no work', async (t) => {
    const broker = await open(t);
    await broker.pause('mail');
    const told: string[][] = [];
    const each = await keeper(t, broker, {
      onInstruction: (instruction) => instruction.type === 'paused' && told.push([...instruction.queues]),
    });
    await broker.enqueue([newJob(broker, { queue: 'mail' })]);

    assert.deepEqual(each.take(10), []);
    assert.equal(each.isIdle(), true);
    assert.deepEqual(told, [['mail']]);
    await broker.resume('mail');
    await until(() => told.length === 2, 'the resume is told');

    assert.deepEqual(told[1], []);
    assert.equal(each.isIdle(), false);
    await until(() => each.take(10).length === 1, 'its name is given');
  });
}

function limits(open: OpenBroker): void {
  for (const [what, rules] of [
    ['a queue', { queues: new Map([['default', atOnce(2)]]), tasks: new Map() }],
    ['a task', { queues: new Map(), tasks: new Map([['echo', atOnce(2)]]) }],
    [
      'a rate',
      { queues: new Map([['default', { concurrency: null, rate: { count: 2, periodMs: 60_000 } }]]), tasks: new Map() },
    ],
  ] satisfies [string, LimitRules][]) {
    test(`who is given names beyond the limit of ${what} begins no more than it allows`, async (t) => {
      const broker = await open(t);
      const careless = await keeper(t, broker);
      await broker.enqueue(Array.from({ length: 12 }, () => newJob(broker)));
      const names: string[] = [];
      for (let more = careless.take(12); more.length > 0; more = careless.take(12)) names.push(...more);
      assert.equal(names.length, 12);
      const consumers = await Promise.all([0, 1, 2].map(() => given(t, broker, names, { limits: rules })));

      const claims = await Promise.all([...consumers, ...consumers].map((each) => nextWithin(each, 100)));

      // The windows of two in a minute are half a minute long; the second may have begun meanwhile.
      const begun = claims.filter((claim) => claim !== null).length;
      assert.ok(what === 'a rate' ? begun === 1 || begun === 2 : begun === 2, `${begun}`);
      assert.equal((await broker.counts()).pending, 12 - begun);
    });
  }

  for (const [what, rules] of [
    ['queue', { queues: new Map([['default', atOnce(2)]]), tasks: new Map() }],
    ['task', { queues: new Map(), tasks: new Map([['echo', atOnce(2)]]) }],
  ] satisfies [string, LimitRules][]) {
    test(`of a ${what} no more jobs run at one time than its limit, over all consumers`, async (t) => {
      const broker = await open(t);
      const consumers = await consumersOf(t, [broker, await open(t), await open(t)], rules);
      const jobs = Array.from({ length: 24 }, () => newJob(broker));
      const free = Array.from({ length: 6 }, () => newJob(broker, { queue: 'other', task: 'other' }));
      await broker.enqueue([...jobs, ...free]);
      const limited = new Set(jobs.map(({ job: { id } }) => id));

      const most = await runAll(broker, consumers, limited, 30);

      assert.equal(most, 2);
    });
  }

  test('what a limit holds back does not hold back others', async (t) => {
    const broker = await open(t);
    const rules = { queues: new Map([['slow', atOnce(1)]]), tasks: new Map() };
    const [first, second] = [
      await consumer(t, broker, { limits: rules }),
      await consumer(t, broker, { limits: rules }),
    ];
    const slow = [newJob(broker, { queue: 'slow', priority: 0 }), newJob(broker, { queue: 'slow', priority: 0 })];
    const other = newJob(broker, { priority: 9 });
    await broker.enqueue([...slow, other]);

    const claim = await nextOf(first);
    assert.equal(claim.job.id, slow[0]?.job.id);
    assert.equal((await nextOf(second)).job.id, other.job.id);
    assert.equal(await nextWithin(second, 100), null);
    assert.equal((await broker.find(slow[1]?.job.id ?? ''))?.standing.attempt, 0);
    await claim.settle(returned(1), RUN);

    assert.equal((await nextOf(second)).job.id, slow[1]?.job.id);
  });

  test('no more jobs start in a time than the rate allows, over all consumers', async (t) => {
    const broker = await open(t);
    const rules = { queues: new Map([['default', perSecond(20)]]), tasks: new Map([['echo', perSecond(1_000)]]) };
    const consumers = await consumersOf(t, [broker, await open(t)], rules);
    const jobs = Array.from({ length: 30 }, () => newJob(broker));
    await broker.enqueue(jobs);
    const starts: number[] = [];

    await runAll(broker, consumers, new Set(), 30, () => starts.push(Date.now()));

    // Each tenth of a second has room for two; the first may begin at the end of its own, and the last at the beginning.
    // A start is noted a moment after it was allowed, on a busy machine a longer one; without the limit five would come at once.
    for (let i = 4; i < starts.length; i++) assert.ok((starts[i] ?? 0) - (starts[i - 4] ?? 0) >= 20, starts.join(' '));
    const took = (starts.at(-1) ?? 0) - (starts[0] ?? 0);
    assert.ok(took >= 1_150 && took < 10_000, `${took} ms`);
  });

  test('a keeper gives as many names of a limited queue as may start', async (t) => {
    const broker = await open(t);
    const each = await keeper(t, broker, { limits: { queues: new Map([['mail', atOnce(2)]]), tasks: new Map() } });
    each.limitTasks(new Map([['echo', atOnce(3)]]));
    await broker.enqueue([
      ...Array.from({ length: 20 }, () => newJob(broker, { queue: 'mail', task: 'other' })),
      ...Array.from({ length: 20 }, () => newJob(broker)),
      ...Array.from({ length: 20 }, () => newJob(broker, { task: 'free' })),
    ]);

    const names: string[] = [];
    const startedAt = performance.now();
    for (let more = each.take(100); more.length > 0; more = each.take(100)) names.push(...more);

    // Nobody claims them, so after a while they count no longer; only a busy machine gets that far.
    const rounds = 1 + Math.floor((performance.now() - startedAt) / 20);
    const mails = names.filter((name) => name.includes('.mail.')).length;
    assert.ok(mails >= 2 && mails <= 2 * rounds, `${mails} names in ${rounds} rounds`);
    assert.ok(names.length >= 2 + 3 + 20 && names.length <= (2 + 3) * rounds + 20 * rounds, `${names.length} names`);
  });
}

function orders(open: OpenBroker): void {
  const weights = new Map([
    ['a', 2],
    ['b', 1],
  ]);

  test('queues take turns by their weights, so that none starves', async (t) => {
    const broker = await open(t);
    await broker.enqueue([
      ...Array.from({ length: 9 }, () => newJob(broker, { queue: 'a', priority: 0 })),
      ...Array.from({ length: 4 }, () => newJob(broker, { queue: 'b', priority: 9 })),
    ]);
    const each = await consumer(t, broker, { queues: ['a', 'b'], order: { kind: 'turns', weights } });

    const order = await queuesOf(broker, await claimAll(each, 13));

    assert.equal(order, 'abaabaabaabaa'.slice(0, 13));
  });

  test('queues in order: one is served when those before it have nothing', async (t) => {
    const broker = await open(t);
    await broker.enqueue([
      ...Array.from({ length: 3 }, () => newJob(broker, { queue: 'b', priority: 0 })),
      ...Array.from({ length: 3 }, () => newJob(broker, { queue: 'a', priority: 9 })),
    ]);
    const each = await consumer(t, broker, { queues: ['a', 'b'], order: { kind: 'listed', weights } });

    assert.equal(await queuesOf(broker, await claimAll(each, 6)), 'aaabbb');
  });

  test('a more urgent job that comes while many wait does not wait for them all', async (t) => {
    const broker = await open(t);
    await broker.enqueue(Array.from({ length: 400 }, () => newJob(broker)));
    const each = await keeper(t, broker);
    assert.equal(each.take(1).length, 1);
    const urgent = newJob(broker, { priority: 0 });
    await broker.enqueue([urgent]);

    let given = 1;
    await until(() => {
      given++;
      return each.take(1)[0]?.includes(urgent.job.id) === true;
    }, 'the urgent job is given');

    assert.ok(given < 300, `${given} names were given before`);
  });
}

function atOnce(concurrency: number): QueueLimits {
  return { concurrency, rate: null };
}

function perSecond(count: number): QueueLimits {
  return { concurrency: null, rate: { count, periodMs: 1_000 } };
}

/** A consumer that is told `names` when it first asks, and of pauses before. */
async function given(
  t: Parameters<typeof consumer>[0],
  broker: Broker,
  names: readonly string[],
  { paused = [], ...options }: Partial<ConsumerOptions> & { readonly paused?: readonly string[] },
): Promise<Consumer> {
  let hasAsked = false;
  const hints = hintsOf(() => {
    if (!hasAsked) setImmediate(() => hints.tell({ type: 'names', names }));
    hasAsked = true;
  });
  const each = await consumer(t, broker, { ...options, hints });
  hints.tell({ type: 'paused', queues: paused });
  return each;
}

/** Two consumers of each broker. */
async function consumersOf(
  t: Parameters<typeof consumer>[0],
  brokers: readonly Broker[],
  rules: LimitRules,
): Promise<readonly Consumer[]> {
  return Promise.all([...brokers, ...brokers].map((broker) => consumer(t, broker, { limits: rules })));
}

/** Runs `count` jobs with all consumers at once; how many of `limited` ran at one time at most. */
async function runAll(
  broker: Broker,
  consumers: readonly Consumer[],
  limited: ReadonlySet<string>,
  count: number,
  onStart: () => void = () => undefined,
): Promise<number> {
  const stop = new AbortController();
  let now = 0;
  let most = 0;
  const runOne = async (claim: Claim): Promise<void> => {
    const one = limited.has(claim.job.id) ? 1 : 0;
    onStart();
    now += one;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 5));
    now -= one;
    await claim.settle(returned(1), RUN);
  };
  const working = consumers.map(async (each) => {
    for (let claim = await each.next(stop.signal); claim !== null; claim = await each.next(stop.signal))
      await runOne(claim);
  });
  await until(async () => (await broker.counts()).results === count, 'every job has run', 20_000);
  stop.abort();
  await Promise.all(working);
  return most;
}

/** The next claim, or null when none came in this time. */
async function nextWithin(each: Consumer, ms: number): Promise<Claim | null> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), ms); // That of AbortSignal.timeout would not keep the test alive.
  const claim = await each.next(controller.signal);
  clearTimeout(timer);
  return claim;
}

async function queuesOf(broker: Broker, ids: readonly string[]): Promise<string> {
  const sightings = await Promise.all(ids.map((id) => broker.find(id)));
  return sightings.map((sighting) => sighting?.standing.queue ?? '?').join('');
}
