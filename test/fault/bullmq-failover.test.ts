/** A failover of Redis: the name of the server leads to another one, and the one before lives on as its replica, with all connections. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { until } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { lacksRedis, ownRedisServer } from '../support/redis-server.ts';

const LIMIT_MS = 30_000;

/** What a name is for clients: new connections lead to the server that it names at that time. */
async function name(t: TestContext, first: number): Promise<{ readonly port: number; leadTo(port: number): void }> {
  let target = first;
  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    client.pipe(behind).pipe(client);
    for (const [one, other] of [
      [client, behind],
      [behind, client],
    ] as const)
      one.on('error', () => undefined).on('close', () => other.destroy()); // Its end follows an error.
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, leadTo: (port) => (target = port) };
}

function adminOf(t: TestContext, port: number): Redis {
  const redis = new Redis({ port, host: '127.0.0.1' });
  t.after(() => redis.disconnect());
  return redis;
}

test('who sends and who waits for jobs go on at the new server', { skip: lacksRedis }, async (t) => {
  const [old, next] = [await ownRedisServer(), await ownRedisServer()];
  const [oldAdmin, nextAdmin] = [adminOf(t, old.port), adminOf(t, next.port)];
  await nextAdmin.replicaof('127.0.0.1', old.port);
  await until(
    async () => (await nextAdmin.info('replication')).includes('master_link_status:up'),
    'the replica has its copy',
  );
  const named = await name(t, old.port);
  const broker = await openBullBroker({ address: { ...parseBrokerAddress(old.url('failover')), port: named.port } });
  t.after(() => broker.close());
  const consumer = await broker.consumer({ queues: ['default'], tasks: [] });
  t.after(() => consumer.close());
  const waiting = consumer.next(AbortSignal.timeout(LIMIT_MS));

  await nextAdmin.replicaof('NO', 'ONE');
  await oldAdmin.replicaof('127.0.0.1', next.port);
  named.leadTo(next.port);

  const sent = job({ id: broker.nextId() });
  await broker.enqueue([sent]);
  assert.equal((await waiting)?.job.id, sent.job.id);
});
