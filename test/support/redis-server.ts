/** A Redis of the tests' own: on a free port of 127.0.0.1, gone with the test file. */
import { startRedis } from '../../bench/peers/redis.mjs';
import { lacksProgram } from './needs.ts';
import { HOST, ownServer, type OwnServer } from './own-server.ts';

export interface RedisServer extends OwnServer {
  /** What the setting `broker` says of it. @param prefix what the names of all keys begin with: each test has one of its own */
  url(prefix: string): string;
}

export interface RedisServerOptions {
  /** Each write is in the append-only file, and synced, before it is answered. Default false: nothing is left after its end. */
  readonly isDurable?: boolean;
}

/** Why there can be no Redis here; false when there can. For `skip`. */
export const lacksRedis: string | false =
  lacksProgram('redis-server') && 'redis-server is not installed (apt-get install redis-server)';

let shared: Promise<RedisServer> | null = null;

/** The one that the tests of this file share. */
export function redisServer(): Promise<RedisServer> {
  return (shared ??= ownRedisServer());
}

/** One more, for a test that stops it. */
export async function ownRedisServer({ isDurable = false }: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await ownServer({
    name: 'redis',
    stopSignal: 'SIGTERM',
    endSignal: 'SIGKILL',
    prepare: () => undefined,
    start: async (folder, port) => {
      const redis = await startRedis(folder, { isDurable, ...(port === undefined ? {} : { port }) });
      if ('missing' in redis) throw new Error(redis.missing);
      return redis;
    },
  });
  return Object.assign(server, { url: (prefix: string) => `bullmq+redis://${HOST}:${server.port}/0?prefix=${prefix}` });
}
