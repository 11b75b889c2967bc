/** An answer of Redis that is lost: the driver sends the command once more, and whoever asked is told what the first one has done. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test, { type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../src/broker/broker-address.ts';
import type { Broker } from '../../src/broker/broker.ts';
import { openBullBroker } from '../../src/bullmq/bull-broker.ts';
import { SCRIPTS } from '../../src/bullmq/redis/scripts.ts';
import { newJob } from '../conformance/parts.ts';
import { threw } from '../support/factory.ts';
import { lacksRedis, redisServer } from '../support/redis-server.ts';
import { CommandProxy } from './commands/command-proxy.ts';
import { REDIS } from './commands/redis-place.ts';
import { claimOne } from './commands/worker.ts';

const skip = lacksRedis;
let places = 0;

interface Place {
  readonly broker: Broker;
  /** The answer to the next command that begins so is lost, once. @returns whether that came */
  lose(command: string): () => boolean;
}

async function place(t: TestContext): Promise<Place> {
  const server = await redisServer();
  const proxy = await CommandProxy.open(server.port, REDIS.protocol);
  const address = { ...parseBrokerAddress(server.url(`answers${++places}`)), port: proxy.port };
  const broker = await openBullBroker({ address } as Parameters<typeof openBullBroker>[0]);
  t.after(async () => {
    await broker.close();
    proxy.close();
  });
  const lose = (command: string): (() => boolean) => {
    let isHit = false;
    const act = (): void => void (isHit = true);
    proxy.count({ nth: 0, command: new RegExp(`^${command}`), at: 'before the reply', act, isForGood: false });
    return () => isHit;
  };
  return { broker, lose };
}

/** As the proxy names a script that Redis knows already. */
function known(script: keyof typeof SCRIPTS): string {
  return `evalsha ${createHash('sha1').update(SCRIPTS[script]).digest('hex').slice(0, 30)}`;
}

async function failed(broker: Broker): Promise<string> {
  const { job, ...sent } = newJob(broker);
  await broker.enqueue([{ job, ...sent }]);
  const { claim } = await claimOne(broker);
  await claim.settle(threw('once'), { startedAtMs: 1, endedAtMs: 2 });
  return job.id;
}

test('whoever sends a job back is told that it went, though the answer was lost', { skip }, async (t) => {
  const { broker, lose } = await place(t);
  await broker.retry([await failed(broker)]); // From now on Redis knows the script.
  await claimOne(broker);
  const id = await failed(broker);
  const isLost = lose(known('fsqSendBack'));

  const answers = await broker.retry([id]);

  assert.ok(isLost());
  assert.deepEqual([...answers], [[id, null]]);
  const [again] = (await broker.retry([id])).values();
  assert.equal(again?.code, 'FSQ_NOT_ENDED', 'a second call is another one');
});
