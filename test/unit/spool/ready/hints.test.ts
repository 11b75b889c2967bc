/** What a keeper and its consumers say to each other in a spool: names to try, the lookout, what people decide. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Claim, Consumer, ConsumerOptions, KeeperOptions, Line } from '../../../../src/broker/worker-side.ts';
import type { LimitRules, QueueLimits } from '../../../../src/job/queue-limits.ts';
import { parseTold, parseWant, type Told } from '../../../../src/spool/ready/hints.ts';
import { until, within } from '../../../support/conditions.ts';
import { job, returned, RUN } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool, type TempSpool } from '../../../support/temp.ts';

/** A consumer whose keeper is the test. */
interface Led {
  readonly consumer: Consumer;
  readonly tell: (told: Told) => void;
  /** What it has asked for: whether it was idle, each time. */
  readonly asked: readonly boolean[];
}

async function led(
  t: TestContext,
  { broker }: TempSpool,
  options: Partial<ConsumerOptions> = {},
  onWant: (tell: (told: Told) => void) => void = () => undefined,
): Promise<Led> {
  const asked: boolean[] = [];
  let tell: (told: Told) => void = () => undefined;
  const line: Line = {
    say: (word) => {
      asked.push(parseWant(word)?.isIdle ?? assert.fail(`it said ${JSON.stringify(word)}`));
      onWant(tell);
    },
    listen: (listener) => (tell = listener),
  };
  const consumer = await broker.consumer({ queues: null, tasks: [], line, ...options });
  t.after(() => consumer.close());
  return { consumer, tell, asked };
}

/** The names that a keeper gives until it has no more, to a child that only collects them. */
async function namesGiven(
  t: TestContext,
  { broker }: TempSpool,
  options: Partial<KeeperOptions> = {},
  limits: LimitRules['tasks'] = new Map(),
): Promise<() => readonly string[]> {
  const keeper = await broker.keeper({ queues: null, isBurst: true, ...options });
  t.after(() => keeper.close());
  keeper.limitTasks(limits);
  const names: string[] = [];
  let asks = 0;
  const member = keeper.join('1-0123456789abcdef', {
    say: (word) => {
      const told = parseTold(word);
      if (told?.type !== 'names') return;
      names.push(...told.names);
      asks++;
    },
    terminate: () => undefined,
    fence: () => undefined,
  });
  return () => {
    for (let before = -1; before < asks;) {
      before = asks;
      member.hear({ type: 'want', isIdle: true });
    }
    return names;
  };
}

function pendingIn({ path }: TempSpool): readonly string[] {
  return readdirSync(join(path, 'pending')).toSorted();
}

async function nextOf(consumer: Consumer, ms = 5_000): Promise<Claim> {
  const claim = await within(consumer.next(new AbortController().signal), 'a claim', ms);
  assert(claim !== null);
  return claim;
}

/** Answers the first question, and no other: names that cannot be begun would be asked for again and again. */
function giveOnce(names: readonly string[]): (tell: (told: Told) => void) => void {
  let isGiven = false;
  return (tell) => {
    if (!isGiven) setImmediate(() => tell({ type: 'names', names }));
    isGiven = true;
  };
}

function jobs(count: number, parts: Parameters<typeof job>[0] = {}): ReturnType<typeof job>[] {
  return Array.from({ length: count }, () => job(parts));
}

test('names are asked for early while many are at hand, and with urgency when none is left', async (t) => {
  const spool = tempSpool(t, { fsync: false });
  await spool.broker.enqueue(jobs(16));
  const { consumer, tell, asked } = await led(t, spool);
  tell({ type: 'names', names: pendingIn(spool) });

  for (let i = 0; i < 8; i++) await (await nextOf(consumer)).settle(returned(1), RUN);
  const whenHalfIsLeft = [...asked];
  for (let i = 8; i < 16; i++) await (await nextOf(consumer)).settle(returned(1), RUN);
  const stop = new AbortController();
  const last = consumer.next(stop.signal);

  await until(() => asked.length > 1, 'names are asked for with urgency');
  stop.abort();
  assert.equal(await last, null);
  assert.deepEqual(whenHalfIsLeft, [false]);
  assert.deepEqual(asked, [false, true]);
});

test('names of jobs that are not there do no harm', async (t) => {
  const spool = tempSpool(t);
  const done = job();
  await spool.broker.enqueue([done]);
  const stale = [[...pendingIn(spool), 'no such name', '../../etc/passwd', '']];
  const other = await spool.broker.consumer({ queues: null, tasks: [] });
  t.after(() => other.close());
  await (await nextOf(other)).settle(returned(1), RUN);
  const { consumer } = await led(t, spool, {}, (tell) => {
    const names = stale.pop();
    if (names !== undefined) tell({ type: 'names', names });
  });
  const sent = job();
  await spool.broker.enqueue([sent]);

  const claim = await nextOf(consumer);

  assert.equal(claim.job.id, sent.job.id);
  await claim.settle(returned(null), RUN);
  assert.deepEqual((await spool.broker.outcome(done.job.id))?.outcome, { state: 'succeeded', value: 1 });
});

test('a lookout finds a job that nobody gives it, and asks anew when it is relieved', async (t) => {
  const spool = tempSpool(t);
  const { consumer, tell, asked } = await led(t, spool, { queues: ['mine'] });
  const stop = new AbortController();
  const first = nextOf(consumer, 900);
  await until(() => asked.length === 1, 'it has nothing to do');

  tell({ type: 'lookout', isPosted: true });
  await spool.broker.enqueue([job({ queue: 'theirs' })]);
  const sent = job({ queue: 'mine' });
  await spool.broker.enqueue([sent]);
  const claim = await first;
  await claim.settle(returned(1), RUN);
  const idle = consumer.next(stop.signal);
  tell({ type: 'lookout', isPosted: false });
  await until(() => asked.length === 2, 'it asks anew');
  stop.abort();

  assert.equal(claim.job.id, sent.job.id);
  assert.equal(await idle, null);
  assert.deepEqual(asked, [true, true]);
});

test('a lookout leaves what is for others, and takes what is not', async (t) => {
  const spool = tempSpool(t);
  const { consumer, tell } = await led(t, spool);
  tell({ type: 'elsewhere', tasks: [{ task: 'other', queues: null }] });
  tell({ type: 'lookout', isPosted: true });
  const next = nextOf(consumer);

  await spool.broker.enqueue([job({ task: 'other' })]);
  await spool.broker.enqueue([job({ task: 'mine' })]);

  const claim = await next;
  assert.equal(claim.job.task, 'mine');
  assert.equal((await spool.broker.counts()).pending, 1);
  await claim.settle(returned(1), RUN);
});

test('what comes is left to the lookout for a moment; what it leaves lying is given to another', async (t) => {
  const { broker } = tempSpool(t);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  const told: [who: string, told: Told | null, at: number][] = [];
  const join = (who: string, owner: string): ReturnType<typeof keeper.join> =>
    keeper.join(owner, {
      say: (word) => void told.push([who, parseTold(word), performance.now()]),
      terminate: () => undefined,
      fence: () => undefined,
    });
  const [lookout, other] = [join('lookout', '1-0123456789abcdef'), join('other', '2-0123456789abcdef')];
  lookout.hear({ type: 'want', isIdle: true });
  other.hear({ type: 'want', isIdle: true });
  const posted = told.map(([who, hint]) => [who, hint?.type === 'lookout' && hint.isPosted]);

  const startedAt = performance.now();
  const sent = job();
  await broker.enqueue([sent]);
  await until(() => told.some(([, hint]) => hint?.type === 'names'), 'the name is given to somebody');

  assert.deepEqual(posted.at(-1), ['lookout', true]);
  const [who, hint, at] = told.find(([, one]) => one?.type === 'names') ?? assert.fail();
  assert.equal(who, 'other');
  assert.ok(hint?.type === 'names' && hint.names[0]?.includes(sent.job.id));
  assert.ok(at - startedAt >= 2, 'no time was left to the lookout');
});

test('a child that looks for itself, and was told nothing, begins no job of a paused queue', async (t) => {
  const spool = tempSpool(t);
  const [held, free] = [job({ id: spool.broker.nextId(), queue: 'held' }), job({ id: spool.broker.nextId() })];
  await spool.broker.enqueue([held, free]);
  await spool.broker.pause('held');

  const { consumer } = await led(t, spool);

  const claim = await nextOf(consumer);
  assert.equal(claim.job.id, free.job.id);
  await claim.settle(returned(1), RUN);
});

test('a consumer that is given names of a queue that it heard is paused does not begin them', async (t) => {
  const spool = tempSpool(t);
  await spool.broker.enqueue([job({ queue: 'mail' })]);
  const names = pendingIn(spool);
  const [heard, unheard] = [await led(t, spool, {}, giveOnce(names)), await led(t, spool, {}, giveOnce(names))];
  heard.tell({ type: 'paused', queues: ['mail'] });
  unheard.tell({ type: 'paused', queues: ['others'] });

  assert.equal(await nextWithin(heard.consumer, 100), null);
  assert.equal((await nextOf(unheard.consumer)).standing.queue, 'mail');
});

for (const [what, rules] of [
  ['a queue', { queues: new Map([['default', atOnce(2)]]), tasks: new Map() }],
  ['a task', { queues: new Map(), tasks: new Map([['echo', atOnce(2)]]) }],
  [
    'a rate',
    { queues: new Map([['default', { concurrency: null, rate: { count: 2, periodMs: 60_000 } }]]), tasks: new Map() },
  ],
] satisfies [string, LimitRules][]) {
  test(`consumers that are given names beyond the limit of ${what} begin no more than it allows`, async (t) => {
    const spool = tempSpool(t);
    await spool.broker.enqueue(jobs(12));
    const names = pendingIn(spool);
    const consumers = await Promise.all(
      [0, 1, 2].map(async () => (await led(t, spool, { limits: rules }, giveOnce(names))).consumer),
    );

    const claims = await Promise.all([...consumers, ...consumers].map((each) => nextWithin(each, 100)));

    // The windows of two in a minute are half a minute long; the second may have begun meanwhile.
    const begun = claims.filter((claim) => claim !== null).length;
    assert.ok(what === 'a rate' ? begun === 1 || begun === 2 : begun === 2, `${begun}`);
    assert.equal((await spool.broker.counts()).pending, 12 - begun);
  });
}

test('a keeper gives as many names of a limited queue as may start', async (t) => {
  const spool = tempSpool(t);
  await spool.broker.enqueue([
    ...jobs(20, { queue: 'mail', task: 'other' }),
    ...jobs(20),
    ...jobs(20, { task: 'free' }),
  ]);
  const limits = { queues: new Map([['mail', atOnce(2)]]), tasks: new Map() };
  const given = await namesGiven(t, spool, { limits }, new Map([['echo', atOnce(3)]]));

  const startedAt = performance.now();
  const names = given();

  // Nobody claims them, so after a while they count no longer; only a busy machine gets that far.
  const rounds = 1 + Math.floor((performance.now() - startedAt) / 20);
  const mails = names.filter((name) => name.includes('.mail.')).length;
  assert.ok(mails >= 2 && mails <= 2 * rounds, `${mails} names in ${rounds} rounds`);
  assert.ok(names.length >= 2 + 3 + 20 && names.length <= (2 + 3) * rounds + 20 * rounds, `${names.length} names`);
});

test('every hint comes through JSON as it is, and nothing else is taken for one', () => {
  const told: readonly Told[] = [
    { type: 'names', names: ['a', 'b'] },
    { type: 'revoked', ids: [] },
    { type: 'paused', queues: ['mail'] },
    {
      type: 'elsewhere',
      tasks: [
        { task: 'a', queues: null },
        { task: 'b', queues: ['c'] },
      ],
    },
    { type: 'lookout', isPosted: true },
  ];

  assert.deepEqual(
    told.map((one) => parseTold(JSON.parse(JSON.stringify(one)))),
    told,
  );
  assert.deepEqual(parseWant({ type: 'want', isIdle: false }), { type: 'want', isIdle: false });
  assert.deepEqual(parseTold({ type: 'elsewhere', tasks: [1, { task: 'a' }] }), { type: 'elsewhere', tasks: [] });
  for (const word of [null, 'names', [], {}, { type: 'names', names: [1] }, { type: 'paused' }, { type: 'later' }]) {
    assert.equal(parseTold(word), null);
    assert.equal(parseWant(word), null);
  }
});

function atOnce(concurrency: number): QueueLimits {
  return { concurrency, rate: null };
}
