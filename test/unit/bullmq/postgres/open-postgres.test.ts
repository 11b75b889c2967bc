/** What is PostgreSQL's own: the rest is in test/conformance. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { Client } from 'pg';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import type { BullOptions, Engine } from '../../../../src/bullmq/engine.ts';
import { openPostgres } from '../../../../src/bullmq/postgres/open-postgres.ts';
import { consumer, enqueueOne, newJob, nextOf } from '../../../conformance/parts.ts';
import { until, within } from '../../../support/conditions.ts';
import { returned, RUN, threw } from '../../../support/factory.ts';
import {
  lacksPostgres,
  ownPostgresServer,
  postgresServer,
  type PostgresServer,
} from '../../../support/postgres-server.ts';

let schemas = 0;

async function place(): Promise<{ readonly server: PostgresServer; readonly schema: string; readonly text: string }> {
  const server = await postgresServer();
  const schema = `own_${++schemas}`;
  return { server, schema, text: server.url(schema) };
}

async function open(t: TestContext, text: string, options: Partial<BullOptions> = {}): Promise<Broker> {
  const broker = await openBullBroker({ address: parseBrokerAddress(text), ...options });
  t.after(() => broker.close());
  return broker;
}

/** The engine alone. */
async function engineAt(t: TestContext, text: string): Promise<Engine> {
  const address = parseBrokerAddress(text);
  assert.ok(address.kind === 'postgres');
  const engine = await openPostgres(address, { address });
  t.after(engine.use());
  engine.awake.begin();
  return engine;
}

async function sql(t: TestContext, { host, port, user }: PostgresServer): Promise<Client> {
  const client = new Client({ host, port, user, database: user });
  client.on('error', () => undefined);
  await client.connect();
  t.after(() => client.end());
  return client;
}

describe('BullMQ on PostgreSQL', { skip: lacksPostgres }, () => {
  test('many that begin at once make its tables once', async (t) => {
    const { text } = await place();

    const brokers = await Promise.all(Array.from({ length: 12 }, () => open(t, text)));

    assert.deepEqual(await brokers[0]?.counts(), { pending: 0, delayed: 0, running: 0, results: 0 });
  });

  test('one that makes nothing says that there are no queues yet', async (t) => {
    const { text } = await place();

    await assert.rejects(open(t, text, { mustExist: true }), { code: 'FSQ_BROKER', message: /has no queues/ });
    await open(t, text);
    await open(t, text, { mustExist: true });
  });

  test('a user who may use the schema, and make none, needs no more', async (t) => {
    const { server, schema, text } = await place();
    await open(t, text);
    const admin = await sql(t, server);
    await admin.query(`CREATE ROLE user_of_${schema} LOGIN`);
    await admin.query(`GRANT USAGE ON SCHEMA ${schema} TO user_of_${schema}`);
    for (const all of ['TABLES', 'SEQUENCES', 'FUNCTIONS'])
      await admin.query(`GRANT ALL ON ALL ${all} IN SCHEMA ${schema} TO user_of_${schema}`);
    const theirs = await open(t, text.replace('postgres@', `user_of_${schema}@`));

    const { job } = await enqueueOne(theirs);

    assert.equal((await theirs.find(job.id))?.state, 'pending');
  });

  test('what is wrong at the opening is said with what to do, and without the password', async (t) => {
    const { server, schema, text } = await place();
    const admin = await sql(t, server);
    await admin.query(`CREATE ROLE no_one_${schema} LOGIN PASSWORD 'hunter2'`);
    const cases: readonly (readonly [string, RegExp])[] = [
      [text.replace('/postgres?', '/nowhere?'), /database "nowhere" does not exist.*FSQ_BROKER/],
      [text.replace('postgres@', 'stranger:hunter2@'), /role "stranger" does not exist/],
      [
        text.replace('postgres@', `no_one_${schema}:hunter2@`),
        /permission denied.*CREATE SCHEMA "own_\d+" AUTHORIZATION/,
      ],
      [text.replace(`:${server.port}/`, ':1/').replace('postgres@', 'postgres:hunter2@'), /ECONNREFUSED/],
    ];

    for (const [wrong, message] of cases) {
      await assert.rejects(open(t, wrong), (error: Error & { readonly code?: string }) => {
        assert.equal(error.code, 'FSQ_BROKER');
        assert.match(error.message, message);
        assert.doesNotMatch(`${error.message} ${error.stack ?? ''}`, /hunter2/);
        return true;
      });
    }
  });

  test('arguments and values that jsonb would change come back, and other programs see the rest', async (t) => {
    const { server, schema, text } = await place();
    const broker = await open(t, text);
    const odd = { to: 'a\0', a: '\ud83d', list: [{ z: 1, b: 2 }] };
    const sent = newJob(broker, { args: [odd] });
    await broker.enqueue([sent]);
    const claim = await nextOf(await consumer(t, broker));

    await claim.settle(returned(odd), RUN);

    const record = await broker.outcome(sent.job.id);
    assert.equal(JSON.stringify(claim.job.args), JSON.stringify([odd]));
    assert.ok(record?.outcome?.state === 'succeeded');
    assert.equal(JSON.stringify(record.outcome.value), JSON.stringify(odd));
    const client = await sql(t, server);
    const { rows } = await client.query(`SELECT data->'args'->0 AS arg, return_value FROM ${schema}.job`);
    const seen = { to: 'a\ufffd', a: '\ufffd', list: [{ z: 1, b: 2 }] };
    assert.deepEqual(rows, [{ arg: seen, return_value: seen }]);
  });

  test('an error with a character that PostgreSQL has no place for fails its job, and is kept', async (t) => {
    const { text } = await place();
    const broker = await open(t, text);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));
    const error = { name: 'Odd\0', message: 'a\0b', stack: 'Odd\0: a\0b\ud83d' };

    await claim.settle({ kind: 'publish', outcome: { state: 'failed', error } }, { ...RUN, error });

    const record = await broker.outcome(job.id);
    assert.ok(record?.outcome?.state === 'failed');
    assert.deepEqual(record.outcome.error, error);
  });

  test('a job that is given back waits where it was, before those that came after it', async (t) => {
    const { text } = await place();
    const broker = await open(t, text);
    const sent = [newJob(broker), newJob(broker), newJob(broker)];
    await broker.enqueue(sent);
    const taker = await consumer(t, broker);
    const first = await nextOf(taker);

    await first.settle({ kind: 'requeue' }, null);

    assert.equal((await nextOf(taker)).job.id, sent[0]?.job.id);
  });

  test('a job that is parked again and again is delayed, and no outcome', async (t) => {
    const { text } = await place();
    const broker = await open(t, text);
    const { job } = await enqueueOne(broker);
    const taker = await consumer(t, broker);

    for (let times = 0; times < 3; times++) {
      const claim = await nextOf(taker);
      assert.equal(claim.standing.attempt, 1);
      await claim.settle({ kind: 'park', parked: { reason: 'unknown', sinceMs: 1 }, delayMs: 20 }, null);
      assert.equal((await broker.find(job.id))?.state, 'delayed');
    }
    const last = await nextOf(taker);
    await last.settle(threw('at last'), RUN);

    assert.equal((await broker.find(job.id))?.state, 'failed');
  });

  test('a job that was completed, and is removed by another program, leaves nothing', async (t) => {
    const { server, schema, text } = await place();
    const broker = await open(t, text);
    const { job } = await enqueueOne(broker);
    await (await nextOf(await consumer(t, broker))).settle(returned(1), RUN);
    const client = await sql(t, server);

    await client.query(`DELETE FROM ${schema}.job WHERE id = $1`, [job.id]);

    const { rows } = await client.query(`SELECT * FROM ${schema}.fsq_tails`);
    assert.deepEqual(rows, []);
    assert.equal(await broker.find(job.id), null);
  });

  test('what is published is heard in its schema only, and what is too long not at all', async (t) => {
    const [mine, others] = [await place(), await place()];
    const [one, two, other] = [
      await engineAt(t, mine.text),
      await engineAt(t, mine.text),
      await engineAt(t, others.text),
    ];
    const heard: string[] = [];
    await two.store.subscribe('news', (text) => heard.push(text));
    await other.store.subscribe('news', (text) => heard.push(`wrong: ${text}`));

    for (const text of ['a', 'b\0', 'x'.repeat(9_000), 'c']) one.store.publish('news', text);
    one.store.publish('olds', 'd');
    one.store.publish('news', 'end');

    await until(() => heard.includes('end'), 'the last of it is heard');
    assert.deepEqual(heard, ['a', 'b\0', 'c', 'end']);
  });

  test('a fact with a time is gone after it, and counts for nothing', async (t) => {
    const { store } = await engineAt(t, (await place()).text);

    await store.set('a', '1', { ttlMs: 1 });
    await until(async () => (await store.get(['a']))[0] === null, 'it is gone');

    assert.equal(await store.swap('a', '1', '2'), false);
    assert.equal(await store.remove(['a']), 0);
    assert.equal(await store.set('a', '3', { ifAbsent: true }), true);
    assert.equal(await store.set('a', '4', { ifAbsent: true }), false);
    assert.deepEqual(await store.get(['a', 'b']), ['3', null]);
  });

  test('a wait for jobs wakes at a job, and does not turn round and round over jobs that nobody may take', async (t) => {
    const { text } = await place();
    const engine = await engineAt(t, text);
    const broker = await open(t, text);
    const waiter = engine.waiter('default');
    t.after(() => waiter.close(true));
    await waiter.waitForJob(1); // The first look is at once.
    const waiting = waiter.waitForJob(30);

    await enqueueOne(broker);

    assert.notEqual(await within(waiting, 'the word of a job'), null);
    const begunAtMs = performance.now();
    for (let times = 0; times < 12; times++) await waiter.waitForJob(30);
    assert.ok(performance.now() - begunAtMs > 1_000, 'a dozen looks at the same job take their time');
  });

  test('a child needs one connection, and one more for what it hears; idle ones are closed', async (t) => {
    const { server, text } = await place();
    const broker = await open(t, text);
    const admin = await sql(t, server);
    const count = async (): Promise<number> => {
      const { rows } = await admin.query(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'fsq'`,
      );
      return Number((rows[0] as { readonly n: number }).n);
    };
    const before = await count();
    const taker = await consumer(t, broker, { line: { say: () => undefined, listen: () => undefined } });

    for (let times = 0; times < 20; times++) {
      await enqueueOne(broker);
      await (await nextOf(taker)).settle(returned(1), RUN);
    }

    assert.ok((await count()) - before <= 3, `${await count()} connections, before ${before}`);
  });
});

describe('a PostgreSQL that goes and comes', { skip: lacksPostgres }, () => {
  test('a consumer takes jobs again, and what waits for an outcome gets it', async (t) => {
    const server = await ownPostgresServer();
    const broker = await open(t, server.url('cut'));
    const events: string[] = [];
    const taker = await consumer(t, broker, { onEvent: ({ kind }) => events.push(kind) });
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(taker);

    await server.stop();
    const outcome = broker.waitForOutcome(job.id, null, true);
    const settled = Promise.resolve(claim.settle(returned('kept'), RUN)).catch((error: unknown) => error);
    await server.restart();

    // The worker repeats a settlement that the server has refused.
    if ((await settled) !== undefined) await claim.settle(returned('kept'), RUN);
    const record = await within(outcome, 'the outcome');
    assert.ok(record?.outcome?.state === 'succeeded');
    assert.equal(record.outcome.value, 'kept');
    const next = enqueueOne(broker);
    assert.equal((await nextOf(taker)).job.id, (await next).job.id);
  });
});
