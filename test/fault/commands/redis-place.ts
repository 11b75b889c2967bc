/** A Redis under fire. */
import type { Socket } from 'node:net';
import { Redis } from 'ioredis';
import { parseBrokerAddress } from '../../../src/broker/broker-address.ts';
import { redisServer } from '../../support/redis-server.ts';
import type { Command } from './command-proxy.ts';
import { AGING_TABLES, type FaultPlace, LASTING, olderEntry } from './place.ts';

/** How long a command that answers late, or never, has to reach Redis, ms. */
const SURELY_DONE_MS = 100;
const MARK = 'fsq-marker-of-the-proxy';
const ECHO = `*2\r\n$4\r\nECHO\r\n$${MARK.length}\r\n${MARK}\r\n`;

export const REDIS: FaultPlace = {
  protocol: {
    parser: () => {
      const parser = new CommandParser();
      return (chunk) => parser.push(chunk).map((bytes) => ({ bytes, name: nameOf(bytes) }));
    },
    done,
    refusal: (error) => commandOf('EVAL', 'return redis.error_reply(ARGV[1])', '0', error),
  },
  port: async () => (await redisServer()).port,
  url: async (prefix) => (await redisServer()).url(prefix),
  endLocks: (address) => endLocks(address),
  makeOld,
  leftIn,
};

/** Redis does one thing after the other: when it says the mark it has done the command. */
async function done({ bytes }: Command, server: Socket): Promise<void> {
  await new Promise<void>((resolve) => {
    let heard = '';
    const timer = setTimeout(resolve, SURELY_DONE_MS);
    server.on('data', (chunk: Buffer) => {
      heard = (heard + chunk.toString('latin1')).slice(-MARK.length - 4_096);
      if (!heard.includes(MARK)) return;
      clearTimeout(timer);
      resolve();
    });
    server.write(bytes);
    server.write(ECHO);
  });
}

function commandOf(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

/** Of a command as the clients of Redis write it: an array of texts. `*2\r\n$3\r\nGET\r\n$1\r\na\r\n` */
class CommandParser {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Buffer[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const commands: Buffer[] = [];
    for (let length = lengthOf(rest); length !== null; length = lengthOf(rest)) {
      commands.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#rest = rest;
    return commands;
  }
}

/** Null when it is not whole yet. */
function lengthOf(bytes: Buffer): number | null {
  const [count, first] = numberAt(bytes, 0);
  let at = first;
  for (let i = 0; i < count; i++) {
    if (at === -1) return null;
    const [size, start] = numberAt(bytes, at);
    if (start === -1) return null;
    at = start + size + 2;
  }
  return at === -1 || at > bytes.length ? null : at;
}

/** The number of a line such as `*2` or `$3`, and where the next line begins; −1: it is not whole yet. */
function numberAt(bytes: Buffer, at: number): readonly [number, number] {
  const end = bytes.indexOf('\r\n', at);
  return end === -1 ? [0, -1] : [Number(bytes.toString('latin1', at + 1, end)), end + 2];
}

/** For people: the command, and of a script as much of it as tells it from others. */
function nameOf(command: Buffer): string {
  const [, , name = '', , detail = ''] = command.toString('latin1', 0, 200).split('\r\n');
  return `${name.toLowerCase()} ${detail
    .replace(/[-[\s]+/g, ' ')
    .trim()
    .slice(0, 30)}`;
}

async function asked<T>(text: string, act: (redis: Redis, prefix: string) => Promise<T>): Promise<T> {
  const address = parseBrokerAddress(text);
  if (address.kind !== 'redis') throw new Error('Expected a Redis.');
  const redis = new Redis({ host: address.host, port: address.port });
  try {
    return await act(redis, address.prefix);
  } finally {
    redis.disconnect();
  }
}

/** @param ids of the jobs; default: all */
export function endLocks(text: string, ids?: readonly string[]): Promise<void> {
  return asked(text, async (redis, prefix) => {
    for (const active of await redis.keys(`${prefix}:*:active`)) {
      const base = active.slice(0, -'active'.length);
      for (const id of await redis.lrange(active, 0, -1)) {
        if (ids?.includes(id) === false) continue;
        await redis.sadd(`${base}stalled`, id);
        await redis.del(`${base}${id}:lock`);
      }
    }
  });
}

function makeOld(text: string, byMs: number): Promise<void> {
  return asked(text, async (redis, prefix) => {
    for (const table of AGING_TABLES)
      for (const [field, entry] of Object.entries(await redis.hgetall(`${prefix}-fsq:${table}`)))
        await redis.hset(`${prefix}-fsq:${table}`, field, olderEntry(table, entry, byMs) ?? entry);
  });
}

function leftIn(text: string, ids: readonly string[]): Promise<readonly string[]> {
  return asked(text, async (redis, prefix) => {
    const facts = `${prefix}-fsq:`;
    const own = (await redis.keys(`${facts}*`)).filter((key) => !LASTING.test(key.slice(facts.length)));
    const left = await Promise.all(own.map(async (key) => `${key} is left: ${await shown(redis, key)}`));
    for (const queue of ['default', 'other']) {
      const base = `${prefix}:${queue}:`;
      for (const key of await redis.keys(`${base}*:lock`)) left.push(`${key} is left`);
      for (const id of ids) left.push(...(await placesOf(redis, base, id)));
    }
    return left;
  });
}

/** A job that is there is in one place. */
export async function placesOf(redis: Redis, base: string, id: string): Promise<readonly string[]> {
  const places: string[] = [];
  for (const list of ['wait', 'active', 'paused'])
    for (const one of await redis.lrange(`${base}${list}`, 0, -1)) if (one === id) places.push(list);
  for (const set of ['delayed', 'prioritized', 'completed', 'failed', 'waiting-children'])
    if ((await redis.zscore(`${base}${set}`, id)) !== null) places.push(set);
  const most = (await redis.exists(`${base}${id}`)) === 1 ? 1 : 0;
  return places.length === most ? [] : [`${id} is in ${places.join(' and ') || 'no place'} of ${base}`];
}

async function shown(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key));
  return type === 'string' ? String(await redis.get(key)) : type;
}
