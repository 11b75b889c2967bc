/** What every broker promises of queues: pauses, limits over all consumers, and whose jobs come first. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';
import type { LimitRules, QueueLimits } from '../../src/job/queue-limits.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN } from '../support/factory.ts';
import { nextWithin } from '../support/next-claim.ts';
import type { Lacks } from './capabilities.ts';
import { child, claimAll, consumer, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

/** The clock of a server, by which it may start jobs, and that of this process. */
const CLOCKS_DIFFER_MS = 20;

export function queues(open: OpenBroker, lacks: Lacks): void {
  pauses(open);
  limits(open);
  orders(open, lacks);
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

    await until(async () => {
      await broker.enqueue([newJob(broker)]);
      const claim = await nextWithin(each, 150);
      await claim?.settle(returned(1), RUN); // Taken before it had heard of the pause.
      return claim === null;
    }, 'it begins no job');
    await other.resume('default');
    await nextOf(each);
  });

  test('pauses are told, also of queues without jobs, and twice is once', async (t) => {
    const broker = await open(t);
    const other = await open(t);

    assert.deepEqual([await broker.pause('b'), await other.pause('b'), await other.pause('a')], [true, false, true]);
    assert.deepEqual(await broker.paused(), ['a', 'b']);
    assert.deepEqual([await broker.resume('b'), await other.resume('b')], [true, false]);
    assert.deepEqual(await other.paused(), ['a']);
  });

  test('a worker begins no job of a paused queue, tells which are paused, and takes them for no work', async (t) => {
    const broker = await open(t);
    await broker.pause('mail');
    const sent = newJob(broker, { queue: 'mail' });
    await broker.enqueue([sent]);
    const told: (readonly string[])[] = [];
    const each = await keeper(t, broker, {
      onEvent: (event) => event.kind === 'queues-paused' && told.push(event.queues),
    });
    const { consumer: working } = await child(t, broker, each);

    assert.equal(await nextWithin(working, 150), null);
    await until(() => each.isIdle(), 'it is idle');
    assert.deepEqual(told, [['mail']]);
    await broker.resume('mail');
    await until(() => told.length === 2, 'the resume is told');

    assert.deepEqual(told[1], []);
    await until(() => !each.isIdle(), 'it has seen the job');
    assert.equal((await nextOf(working)).job.id, sent.job.id);
  });
}

function limits(open: OpenBroker): void {
  for (const [what, rules] of [
    ['queue', { queues: new Map([['default', atOnce(2)]]), tasks: new Map() }],
    ['task', { queues: new Map(), tasks: new Map([['echo', atOnce(2)]]) }],
    ['limit key', { queues: new Map(), tasks: new Map([['echo', { concurrency: 4, rate: null, perKey: 2 }]]) }],
  ] satisfies [string, LimitRules][]) {
    test(`of a ${what} no more jobs run at one time than its limit, over all consumers`, async (t) => {
      const broker = await open(t);
      const consumers = await consumersOf(t, [broker, await open(t), await open(t)], rules);
      const isKeyed = what === 'limit key';
      const jobs = Array.from({ length: 24 }, () => newJob(broker, isKeyed ? { options: { limitKey: 'a' } } : {}));
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
      await consumer(t, broker, { limits: rules, queues: ['slow'] }),
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
    const beganAtMs = Date.now();
    await broker.enqueue(jobs);
    const starts: number[] = [];

    await runAll(broker, consumers, new Set(), 30, () => starts.push(Date.now()));

    // Each tenth of a second has room for two; the first may begin at the end of its own. A start is noted after it was allowed, however much
    // later on a busy machine: so each is held against the beginning, and not against another.
    const afterMs = starts.map((atMs) => atMs - beganAtMs);
    for (const [i, ms] of afterMs.entries())
      assert.ok(ms >= 100 * (Math.floor(i / 2) - 1) - CLOCKS_DIFFER_MS, afterMs.join(' '));
  });
}

function orders(open: OpenBroker, lacks: Lacks): void {
  const weights = new Map([
    ['a', 2],
    ['b', 1],
  ]);

  test(
    'of several queues the most urgent job comes first, then the oldest',
    { skip: lacks('ordersAcrossQueues') },
    async (t) => {
      const broker = await open(t);
      const jobs = [
        newJob(broker, { queue: 'a' }),
        newJob(broker, { queue: 'b' }),
        newJob(broker, { queue: 'a' }),
        newJob(broker, { queue: 'b', priority: 0 }),
      ];
      await broker.enqueue(jobs);

      const order = await claimAll(await consumer(t, broker), jobs.length);

      assert.deepEqual(
        order,
        [3, 0, 1, 2].map((i) => jobs[i]?.job.id),
      );
    },
  );

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

  for (const who of ['a consumer', 'a child']) {
    test(`a more urgent job that comes while many wait does not wait for them all: ${who}`, async (t) => {
      const broker = await open(t);
      await broker.enqueue(Array.from({ length: 400 }, () => newJob(broker)));
      const working =
        who === 'a child' ? (await child(t, broker, await keeper(t, broker))).consumer : await consumer(t, broker);
      await claimAll(working, 1);
      const urgent = newJob(broker, { priority: 0 });
      await broker.enqueue([urgent]);

      let begun = 1;
      for (let claim = await nextOf(working); claim.job.id !== urgent.job.id; claim = await nextOf(working)) {
        await new Promise((resolve) => setTimeout(resolve, 2)); // As long as a job takes.
        await claim.settle(returned(1), RUN);
        begun++;
      }

      assert.ok(begun < 300, `${begun} jobs were begun before`);
    });
  }
}

function atOnce(concurrency: number): QueueLimits {
  return { concurrency, rate: null };
}

function perSecond(count: number): QueueLimits {
  return { concurrency: null, rate: { count, periodMs: 1_000 } };
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
    // On a busy machine a claim takes longer than a job: the first waits for another to begin beside it.
    if (one === 1 && most === 1) await until(() => most > 1, 'two run at one time');
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

async function queuesOf(broker: Broker, ids: readonly string[]): Promise<string> {
  const sightings = await Promise.all(ids.map((id) => broker.find(id)));
  return sightings.map((sighting) => sighting?.standing.queue ?? '?').join('');
}
