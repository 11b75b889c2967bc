/** What a Redis says of itself: INFO, CONFIG GET where it is allowed, and its clock. */
import type { Redis } from 'ioredis';
import type { RedisFacts } from '../doctor/server-facts.ts';

/** Most queues of other programs that are named. */
const MOST_QUEUES = 100;

/** @param known the queues to which fsq has sent @throws the driver's error where it cannot be reached */
export async function redisFacts(client: Redis, prefix: string, known: readonly string[]): Promise<RedisFacts> {
  const info = parseInfo(await client.info());
  const [policy = null, appending = null, fsync = null] = await Promise.all(
    ['maxmemory-policy', 'appendonly', 'appendfsync'].map((name) => setting(client, name)),
  );
  const hidden = [
    ...(policy === null && info.get('maxmemory_policy') === undefined ? ['maxmemory-policy'] : []),
    ...(appending === null && info.get('aof_enabled') === undefined ? ['appendonly'] : []),
    ...(fsync === null ? ['appendfsync'] : []),
  ];
  const aof = info.get('aof_enabled');
  return {
    kind: 'redis',
    version: info.get('redis_version') ?? '0',
    skewMs: await skewOf(client),
    isReadOnly: info.get('role') === 'slave',
    isCluster: info.get('cluster_enabled') === '1',
    usedBytes: Number(info.get('used_memory') ?? 0),
    maxBytes: Number(info.get('maxmemory') ?? 0),
    evictionPolicy: policy ?? info.get('maxmemory_policy') ?? null,
    isAppending: aof === undefined ? (appending === null ? null : appending === 'yes') : aof === '1',
    appendFsync: fsync,
    hasFailedToSave: ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'].some(
      (name) => (info.get(name) ?? 'ok') !== 'ok',
    ),
    foreignQueues: await foreignQueues(client, prefix, known),
    hidden,
  };
}

function parseInfo(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':');
      return line.startsWith('#') || colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const];
    }),
  );
}

/** Null where this user may not ask. */
async function setting(client: Redis, name: string): Promise<string | null> {
  try {
    const answer: unknown = await client.config('GET', name);
    return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
  } catch {
    return null;
  }
}

/** The clock is read in the middle of the way there and back. */
async function skewOf(client: Redis): Promise<number> {
  const askedAtMs = Date.now();
  const [seconds, micros] = await client.time();
  const hereMs = (askedAtMs + Date.now()) / 2;
  return Math.round(Number(seconds) * 1_000 + Number(micros) / 1_000 - hereMs);
}

async function foreignQueues(client: Redis, prefix: string, known: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  const start = `${prefix}:`;
  let cursor = '0';
  do {
    const [next, keys] = await client.scan(cursor, 'MATCH', `${start}*:meta`, 'COUNT', 1_000);
    cursor = next;
    for (const key of keys) {
      const queue = key.slice(start.length, -':meta'.length);
      if (!known.includes(queue) && !queue.includes(':')) found.add(queue);
    }
  } while (cursor !== '0' && found.size < MOST_QUEUES);
  return [...found].sort();
}
