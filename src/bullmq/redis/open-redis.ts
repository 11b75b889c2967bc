/** The engine over Redis: one connection for all queues, and one more for each queue on which somebody waits. */
import type { RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import { type RedisAddress, shownAddress } from '../../broker/broker-address.ts';
import { SpoolError } from '../../job/errors.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { Awake } from '../awake.ts';
import { isOfReplica } from '../store-wait.ts';
import { STALLED_LOOKS } from '../crew/housework.ts';
import { WAIT_S } from '../crew/queue-watch.ts';
import type { BullOptions, Engine } from '../engine.ts';
import { loadRedisPeers } from '../peers.ts';
import { QueueNames } from '../queue-names.ts';
import { Users } from '../users.ts';
import { completeOnRedis } from '../ended/complete-on-redis.ts';
import { redisFacts } from './redis-facts.ts';
import { RedisStore } from './redis-store.ts';

/** How long a claim holds without being renewed, ms: a machine that dies is found dead after half as much again. */
export const LOCK_MS = 10_000;

/** How long an answer may take before the connection is made anew, ms. */
const SILENCE_MS = 5_000;

/** fsq decides by itself how often a job may lose its process. */
const NEVER_GIVE_UP = 1_000_000;

/** How long the server may take until it answers at all, ms: whoever opens a broker waits for it, and so does its close. */
const REACH_MS = 10_000;

/** @throws UsageError (FSQ_PEER); SpoolError (FSQ_BROKER) when the server does not answer, or refuses the login */
export async function openRedis(address: RedisAddress, options: BullOptions): Promise<Engine> {
  const { bullmq, ioredis } = await loadRedisPeers();
  const { host, port, db, user, password, tls, prefix } = address;
  const lockMs = options.lockMs ?? address.lockMs ?? LOCK_MS;
  const awake = new Awake(() => [client, listener].forEach(revive));
  const client: Redis = new ioredis.Redis({
    host,
    port,
    db,
    ...(user === null ? {} : { username: user }),
    ...(password === null ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    // What is sent while the connection is cut waits for this many attempts to connect, and then fails: nobody waits for ever.
    maxRetriesPerRequest: 6,
    // Of a server that says nothing, or a network that drops everything, the system itself tells after a quarter of an hour.
    socketTimeout: Math.min(SILENCE_MS, lockMs / 2),
    connectTimeout: SILENCE_MS,
    enableAutoPipelining: false,
    // A replica after a failover keeps its connections: only a new one leads to the server that takes writes.
    reconnectOnError: isOfReplica,
    // While nobody asks for anything, a connection that is cut stays so.
    retryStrategy: (times) => (awake.isAwake ? Math.min(1_000, 50 * 2 ** times) : null),
  });
  // Each command that fails says so; only the first one needs the reason as well.
  let trouble: unknown = null;
  client.on('error', (error) => {
    // Behind a refused login all else is refused as well, and that would only say that there is none.
    if (trouble === null || !error.message.startsWith('NOAUTH')) trouble = error;
  });
  let cuts = 0;
  client.on('close', () => cuts++);
  const listener = client.duplicate({
    lazyConnect: true,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
    keepAlive: 5_000,
  });
  for (const each of [client, listener]) each.on('connect', () => each.stream.unref());
  awake.begin();
  await reach(client, shownAddress(address), () => trouble).finally(() => awake.end());
  const shared = {
    connection: client,
    prefix,
    lockDuration: lockMs,
    stalledInterval: Math.floor(lockMs / STALLED_LOOKS),
  };
  const queueOptions = { ...shared, maxStalledCount: NEVER_GIVE_UP, skipVersionCheck: true };
  const first = bullmq.createRedisBackend('fsq', queueOptions);
  first.on('error', () => undefined);
  // Nothing is sent on it: each wait has a copy, which tries to connect for as long as it takes.
  const model = client.duplicate({
    lazyConnect: true,
    maxRetriesPerRequest: null,
    // A timer for the socket stays when the wait is given up, and would keep the process for as long.
    socketTimeout: undefined,
    commandTimeout: WAIT_S * 1_000 + SILENCE_MS,
  });
  model.on('error', () => undefined);
  const store = new RedisStore(client, prefix, listener);
  const backends = new Map<string, RedisQueueBackend>();
  const backendOf = (queue: string): RedisQueueBackend => {
    const known = backends.get(queue);
    if (known !== undefined) return known;
    // BullMQ's type of it is that of any datastore.
    const backend = first.forQueue(queue, prefix) as RedisQueueBackend;
    backends.set(queue, backend);
    return backend;
  };
  const completer = { client, backendOf, keyOf: (name: string) => store.key(name), lockMs };
  const queues = new QueueNames(store);
  const users = new Users(async () => {
    await first.close().catch(() => undefined);
    await store.close();
    model.disconnect();
    client.disconnect();
    awake.close();
  });
  return {
    place: shownAddress(address),
    store,
    queues,
    lockMs,
    nowMs: options.nowMs ?? Date.now,
    resultTtlMs: options.resultTtlMs ?? {},
    onEvent: options.onEvent ?? (() => undefined),
    cuts: () => cuts,
    complete: async (...ending) => (await completeOnRedis(completer, null, ...ending)).hasLine,
    completeAndTake: (next, ...ending) => completeOnRedis(completer, next, ...ending),
    tellsCompleted: true,
    trustsClocks: false,
    ownerName: () => `${process.pid}-${process.getBuiltinModule('node:crypto').randomBytes(8).toString('hex')}`,
    backend: backendOf,
    waiter: (queue) => {
      const options = { ...queueOptions, connection: model };
      const waiter = bullmq.createRedisBackend(queue, options, { withBlockingConnection: true });
      waiter.on('error', () => undefined); // The wait fails too, and is begun again.
      return waiter;
    },
    serverFacts: async () => redisFacts(client, prefix, await queues.all()),
    awake,
    use: () => users.begin(),
  };
}

/** Connects again where the connection was cut while nobody asked for anything. */
function revive(client: Redis): void {
  if (client.status === 'end') client.connect().catch(() => undefined); // It goes on trying, and commands wait for that.
}

/** Asks the server once. A client that is given up is closed: it would keep the process alive. */
async function reach(client: Redis, place: string, lastTrouble: () => unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${REACH_MS / 1_000} s`)), REACH_MS);
  });
  try {
    await Promise.race([client.ping(), late]);
  } catch (error) {
    client.disconnect();
    const reason = lastTrouble() ?? error;
    const next = 'See that the server runs, and that FSQ_BROKER, or `broker` in the configuration, is right.';
    throw new SpoolError('FSQ_BROKER', `${place} cannot be used: ${reasonOf(reason).replace(/\.$/, '')}. ${next}`, {
      cause: reason,
    });
  } finally {
    clearTimeout(timer);
  }
}
