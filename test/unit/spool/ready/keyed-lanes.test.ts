/** Names of jobs with limit keys: each key's limit is kept before the claim, and keys have turns, however long the backlog of one is. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import type { QueueLimits } from '../../../../src/job/queue-limits.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { jobFileName, nextAttempt, parseJobFileName } from '../../../../src/spool/layout.ts';
import { Feed } from '../../../../src/spool/ready/feed.ts';
import { Gate } from '../../../../src/spool/ready/gate.ts';
import { type Lane, Lanes } from '../../../../src/spool/ready/lanes.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { someOwner } from '../../../support/owners.ts';

const TWO_EACH: QueueLimits = { concurrency: null, rate: null, perKey: 2 };

test('of each key as many are given as may run, then those of others', async (t) => {
  const at = await scene(t, [...Array<string>(500).fill('a'), 'b', 'c', 'b', 'b']);

  const given = await at.many(5);
  assert.deepEqual(given.toSorted(), ['a', 'a', 'b', 'b', 'c']);
  assert.deepEqual(at.take(20), []);
  at.end('a');

  assert.deepEqual(await at.next(), 'a');
  at.end('b');
  assert.deepEqual(await at.next(), 'b');
});

test('a key with ten thousand jobs takes turns with one that comes later, also where it is under its limit', async (t) => {
  const at = await scene(t, Array<string>(10_000).fill('a'));
  const order = [await at.next(), await at.next()];
  await at.send(['b', 'b', 'b']);
  for (let i = 0; order.filter((key) => key === 'b').length < 3 && i < 5_000; i++) {
    // There are two children: as one ends, the limit of each key has room.
    at.end(order[i] ?? '');
    order.push(await at.next());
  }

  const firstB = order.indexOf('b');
  t.diagnostic(`${firstB} jobs began before the first of b`);
  // What runs was counted some ms ago, so that a key may look full that has room: its turn is the next one then.
  assert.ok(order.length - firstB <= 7, order.slice(firstB).join(''));
});

test('a job without a key, and one of a task without limits, are not held back by those of a key', async (t) => {
  const at = await scene(t, ['a', 'a', 'a', 'a', '', '', '']);
  await at.broker.enqueue([job({ task: 'free' })]);

  const given = at.take(20);

  assert.deepEqual(given.toSorted(), ['', '', 'a', 'a', 'free']);
});

test('what is held to get new arguments, and what others run of other keys, takes no room', async (t) => {
  const at = await scene(t, ['a', 'a', 'b', 'b', 'b']);
  assert.deepEqual((await at.many(4)).toSorted(), ['a', 'a', 'b', 'b']);
  at.hold('b', 0);
  at.hold('c', 1);
  assert.deepEqual(at.take(20), []);
  at.end('b');

  assert.equal(await at.next(), 'b');
});

test('with a hundred thousand keys no name costs a look at all of them', () => {
  let looks = 0;
  let closed = '';
  const isOpen = ({ limitKey }: Pick<Lane, 'limitKey'>): boolean => (looks++, limitKey !== closed);
  const lanes = new Lanes({ kind: 'age' }, isOpen);
  const count = 100_000; // Two for each key.
  for (let i = 0; i < count; i++) lanes.ofKey('q', 't', `${i % 50_000}`, '5').push(`5.${i}`.padEnd(12));
  lanes.sort();
  closed = '0';

  const seen = new Set<string>();
  for (let i = 0; i < count - 2; i++) {
    const lane = lanes.next() ?? assert.fail('no lane is open');
    seen.add(lane.pop() ?? '');
    lanes.served(lane);
    if (i % 100 === 0) assert.ok(lanes.openSize > 0);
  }

  assert.equal(seen.size, count - 2);
  assert.equal(lanes.next(), null);
  assert.ok(looks < count * 4, `${looks} looks`);
});

test('turns outlast a new listing, and the most urgent goes first', () => {
  const lanes = new Lanes({ kind: 'age' }, () => true);
  const fill = (): void => {
    lanes.clear();
    for (let i = 0; i < 3; i++) for (const key of 'ab') lanes.ofKey('q', 't', key, '5').push(`5.${i}${key}`);
    lanes.sort();
  };
  const order: string[] = [];
  for (let i = 0; i < 6; i++) {
    fill(); // Each time the oldest is one of a.
    const lane = lanes.next() ?? assert.fail();
    order.push(lane.limitKey ?? '');
    lanes.served(lane);
  }
  lanes.ofKey('q', 't', 'b', '0').push('0.9b');

  assert.equal(order.join(''), 'ababab');
  assert.equal(lanes.next()?.head, '0.9b');
  assert.equal(lanes.isMoreUrgent('4.1c'), true);
  assert.equal(lanes.isMoreUrgent('5.0c'), false);
});

interface Scene {
  readonly context: SpoolContext;
  readonly broker: ReturnType<typeof openSpool>;
  send(keys: readonly string[]): Promise<void>;
  /** The keys of what is given, which runs from then on. */
  take(max: number): readonly string[];
  /** The key of the next, when one is given. */
  next(): Promise<string>;
  /** A job of that key ends. */
  end(key: string): void;
  /** So many keys, as names are given. */
  many(count: number): Promise<readonly string[]>;
  /** Another process holds a job of that key. */
  hold(key: string, attempt: number): void;
}

/** Jobs of one task, with these limit keys, and one process that runs all that it is given. */
async function scene(t: TestContext, keys: readonly string[]): Promise<Scene> {
  const context = tempContext(t, { fsync: false });
  const broker = openSpool({ path: context.layout.root, fsync: false });
  const running = join(context.layout.running, someOwner(1));
  mkdirSync(running);
  const gate = new Gate(context, { queues: new Map(), tasks: new Map([['tenant', TWO_EACH]]) });
  const feed = new Feed(context, { queues: null, gate, onReady: () => undefined, onTrouble: assert.ifError });
  t.after(() => feed.close());
  const keyOf = new Map<string, string>();
  const paths: { readonly key: string; readonly path: string }[] = [];
  const send = async (wanted: readonly string[]): Promise<void> => {
    const jobs = wanted.map((key) => job({ task: 'tenant', options: key === '' ? {} : { limitKey: key } }));
    jobs.forEach(({ job: { id } }, i) => keyOf.set(id, wanted[i] ?? ''));
    await broker.enqueue(jobs);
  };
  const run = (name: string): string => {
    const parsed = parseJobFileName(name) ?? assert.fail(name);
    const path = join(running, jobFileName(nextAttempt(parsed)));
    const key = keyOf.get(parsed.id) ?? 'free';
    renameSync(join(context.layout.pending, name), path);
    paths.push({ key, path });
    return key;
  };
  const take = (max: number): readonly string[] => feed.take(max).map(run);
  await send(keys);
  return {
    context,
    broker,
    send,
    take,
    next: () => until(() => take(1)[0] ?? null, 'a name is given'),
    end: (key) => {
      const at = paths.findIndex((one) => one.key === key);
      assert.notEqual(at, -1, `a job of ${key} runs`);
      for (const { path } of paths.splice(at, 1)) rmSync(path);
    },
    many: async (count) => {
      const given: string[] = [];
      await until(() => given.push(...take(count - given.length)) === count, `${count} names are given`);
      return given;
    },
    hold: (key, attempt) => {
      const held = job({ task: 'tenant', options: { limitKey: key } });
      const name = jobFileName({ id: held.job.id, queue: 'default', priority: 5, attempt, crashes: 0 });
      writeFileSync(join(running, name), encodeBase(held.job));
    },
  };
}
