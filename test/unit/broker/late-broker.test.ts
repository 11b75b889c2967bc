/** A broker that opens late passes on every question and answer, and is opened again where that failed. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker } from '../../../src/broker/broker.ts';
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import { LateBroker } from '../../../src/broker/late-broker.ts';
import { isId } from '../../../src/job/names.ts';

const ADDRESS = parseBrokerAddress('bullmq+redis://u:secret@db/2');

/** Of each question how many arguments it may have. */
const QUESTIONS: Readonly<
  Record<Exclude<keyof Broker, 'place' | 'isNew' | 'nextId' | 'schedules' | 'everyJob' | 'close'>, number>
> = {
  enqueue: 1,
  enqueueUnique: 2,
  find: 1,
  outcome: 1,
  departure: 1,
  arrival: 3,
  unfinishedMove: 0,
  log: 2,
  logEnd: 1,
  checkpointed: 1,
  changed: 1,
  waitForOutcome: 3,
  revoke: 2,
  retry: 2,
  forget: 1,
  tidy: 1,
  pause: 1,
  resume: 1,
  paused: 0,
  idsByPrefix: 2,
  list: 4,
  unended: 0,
  counts: 1,
  backlog: 0,
  statistics: 0,
  room: 0,
  parts: 0,
  restoring: 0,
  owners: 1,
  consumer: 1,
  keeper: 1,
};

for (const [name, count] of Object.entries(QUESTIONS)) {
  test(`${name} is passed on with all that it is asked`, async () => {
    const { broker, asked } = late();
    const given = Array.from({ length: count }, (_, i) => (name === 'waitForOutcome' && i === 1 ? null : { i }));

    const answer = await ask(broker, name, given);

    assert.deepEqual(asked, [[name, ...given]]);
    assert.equal(answer, `answer to ${name}`);
  });
}

for (const [name, count] of Object.entries({ find: 1, list: 0, send: 2, pass: 1, turnBack: 1, pause: 1, resume: 1 })) {
  test(`of schedules, ${name} is passed on with all that it is asked`, async () => {
    const { broker, asked } = late();
    const given = Array.from({ length: count }, (_, i) => ({ i }));

    const answer = await ask(broker.schedules, name, given);

    assert.deepEqual(asked, [[`schedules.${name}`, ...given]]);
    assert.equal(answer, `answer to schedules.${name}`);
  });
}

test('every job is passed on, and an end of the loop ends the looks', async () => {
  let hasEnded = false;
  async function* everyJob(): AsyncGenerator<string> {
    try {
      yield 'first';
      yield 'second';
    } finally {
      hasEnded = true;
    }
  }
  const broker = new LateBroker({ address: ADDRESS }, async () => ({ everyJob }) as unknown as Broker);

  const seen: unknown[] = [];
  for await (const looks of broker.everyJob({} as never)) {
    seen.push(looks);
    break;
  }

  assert.deepEqual(seen, ['first']);
  assert.ok(hasEnded);
});

test('its place is told, and ids are given, before anything is opened; the ids grow', () => {
  const { broker, opened } = late();

  const ids = Array.from({ length: 10_000 }, () => broker.nextId());

  assert.equal(broker.place, 'bullmq+redis://db:6379/2');
  assert.ok(ids.every(isId));
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(opened(), 0);
});

test('it is opened once for many questions', async () => {
  const { broker, opened } = late();

  await Promise.all([broker.paused(), broker.owners(), broker.schedules.list()]);
  await broker.paused();

  assert.equal(opened(), 1);
});

test('what opening throws, each question throws, and the next one opens it again', async () => {
  let isThere = false;
  let opened = 0;
  const broker = new LateBroker({ address: ADDRESS }, async () => {
    opened++;
    if (!isThere) throw new Error('not there');
    return { paused: async () => ['mail'] } as unknown as Broker;
  });

  const answers = await Promise.allSettled([broker.paused(), broker.owners()]);
  isThere = true;

  assert.deepEqual(
    answers.map((answer) => answer.status === 'rejected' && answer.reason.message),
    ['not there', 'not there'],
  );
  assert.deepEqual(await broker.paused(), ['mail']);
  assert.equal(opened, 2);
});

test('closing closes what is open, also what is still being opened, and opens nothing', async () => {
  let resolve: (broker: Broker) => void = () => undefined;
  const promise = new Promise<Broker>((settle) => (resolve = settle));
  let closed = 0;
  const broker = new LateBroker({ address: ADDRESS }, () => promise);
  const asked = broker.paused();

  const closing = broker.close();
  resolve({ paused: async () => [], close: async () => void closed++ } as unknown as Broker);
  await Promise.all([asked, closing]);
  await broker.close();

  assert.equal(closed, 1);
  await assert.rejects(broker.paused(), { code: 'FSQ_USAGE', message: /bullmq\+redis:\/\/db:6379\/2 is closed/ });
  const unused = late();
  await unused.broker.close();
  assert.equal(unused.opened(), 0);
});

test('closing one that could not be opened is no error', async () => {
  const broker = new LateBroker({ address: ADDRESS }, () => Promise.reject(new Error('not there')));
  const asked = broker.paused();

  await broker.close();

  await assert.rejects(asked, /not there/);
});

test('who waits no longer is not kept waiting by the opening', async () => {
  const broker = new LateBroker({ address: ADDRESS }, () => new Promise<Broker>(() => undefined));
  const gone = AbortSignal.abort();
  const going = new AbortController();

  const waits = [
    broker.waitForOutcome('x', gone, false),
    broker.waitForOutcome('x', going.signal, false),
    broker.everyJob({ sinceMs: null, follow: true, signal: going.signal }).next(),
    broker.keeper({ queues: null, giveUp: going.signal }),
  ];
  going.abort();

  const [first, second, looks, keeper] = await Promise.allSettled(waits);
  assert.deepEqual(
    [first, second],
    [
      { status: 'fulfilled', value: null },
      { status: 'fulfilled', value: null },
    ],
  );
  assert.deepEqual(looks, { status: 'fulfilled', value: { done: true, value: undefined } });
  assert.equal(keeper?.status === 'rejected' && keeper.reason.code, 'FSQ_USAGE');
});

type Asked = (readonly unknown[])[];

/** One that notes what it is asked. */
function late(): { readonly broker: LateBroker; readonly asked: Asked; readonly opened: () => number } {
  const asked: Asked = [];
  let opened = 0;
  const noting = (prefix: string): object =>
    new Proxy(
      {},
      {
        get: (_target, name) => {
          if (name === 'then') return;
          if (name === 'schedules') return noting('schedules.');
          return async (...given: readonly unknown[]) => {
            asked.push([`${prefix}${String(name)}`, ...given]);
            return `answer to ${prefix}${String(name)}`;
          };
        },
      },
    );
  const open = async (): Promise<Broker> => {
    opened++;
    return noting('') as Broker;
  };
  return { broker: new LateBroker({ address: ADDRESS }, open), asked, opened: () => opened };
}

function ask(broker: object, name: string, given: readonly unknown[]): Promise<unknown> {
  return Reflect.apply(Reflect.get(broker, name), broker, given);
}
