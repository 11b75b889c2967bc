/** Jobs on their way to or from another place, in Redis: their hash has the field `fsqMoving`, and they are in none of BullMQ's lists. */
import type { Redis } from 'ioredis';
import { type ArrivingJob, MOVING, type MoveStore } from '../moving/move-store.ts';
import type { Place } from '../store.ts';
import { ENTER } from './ended-scripts.ts';

/** ARGV: base, id, table, queue. A job that is due: its time; a ready one: what is given as ARGV[5]. */
const TAKE: string = `
local base, id = ARGV[1], ARGV[2]
local key = base .. id
if redis.call('HEXISTS', key, 'fsqMoving') == 1 or redis.call('HEXISTS', key, 'finishedOn') == 1 then return 0 end
local score = redis.call('ZSCORE', base .. 'delayed', id)
local due = ARGV[5]
if score then
  due = string.format('%.0f', math.floor(tonumber(score) / 4096))
  redis.call('ZREM', base .. 'delayed', id)
elseif redis.call('ZREM', base .. 'prioritized', id) == 0 and redis.call('LREM', base .. 'wait', 1, id) == 0
  and redis.call('LREM', base .. 'paused', 1, id) == 0 then
  return 0
end
redis.call('HSET', key, 'fsqMoving', due)
redis.call('HSET', ARGV[3], id, ARGV[4])
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', id, 'prev', 'waiting')
return 1
`;

/** ARGV: base, id, table, due. */
const SEND_TO_WAIT: string = `${ENTER}
local base, id = ARGV[1], ARGV[2]
redis.call('HDEL', ARGV[3], id)
if redis.call('HDEL', base .. id, 'fsqMoving') == 0 then return 0 end
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id, 'name', redis.call('HGET', base .. id, 'name'))
enter(base, id, tonumber(redis.call('HGET', base .. id, 'priority') or '0'), tonumber(ARGV[4]), '')
return 1
`;

/** ARGV: base, id, table. */
const DROP: string = `
local key = ARGV[1] .. ARGV[2]
if redis.call('HEXISTS', key, 'fsqMoving') == 1 then redis.call('DEL', key, key .. ':logs') end
redis.call('HDEL', ARGV[3], ARGV[2])
return 1
`;

/** ARGV: base, id, table, queue, due, the set of those that ended so, when, how many fields, fields and values, lines. */
const ACCEPT: string = `
local base, id = ARGV[1], ARGV[2]
local key = base .. id
if redis.call('EXISTS', key) == 1 then return redis.call('HEXISTS', key, 'fsqMoving') end
local count = tonumber(ARGV[8])
for i = 9, 8 + 2 * count, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
for i = 9 + 2 * count, #ARGV do redis.call('RPUSH', key .. ':logs', ARGV[i]) end
redis.call('INCR', base .. 'id')
if ARGV[6] == '' then
  redis.call('HSET', key, 'fsqMoving', ARGV[5])
  redis.call('HSET', ARGV[3], id, ARGV[4])
else
  redis.call('ZADD', base .. ARGV[6], ARGV[7], id)
end
return 1
`;

const MOVE_SCRIPTS = { fsqTake: TAKE, fsqSendToWait: SEND_TO_WAIT, fsqDrop: DROP, fsqAccept: ACCEPT } as const;

/** @param readyMs stands for no time of its own */
export function redisMoves(client: Redis, prefix: string, readyMs: number): MoveStore {
  for (const [name, lua] of Object.entries(MOVE_SCRIPTS))
    if (!(name in client)) client.defineCommand(name, { numberOfKeys: 0, lua });
  const table = `${prefix}-fsq:${MOVING}`;
  const baseOf = ({ queue }: Place): string => `${prefix}:${queue}:`;
  const run = (name: keyof typeof MOVE_SCRIPTS, ...args: readonly (string | number)[]): Promise<unknown> => {
    const script = (client as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof script !== 'function') throw new Error(`The script ${name} is not defined.`);
    return (script as (...given: (string | number)[]) => Promise<unknown>).apply(client, [...args]);
  };
  return {
    take: async (at) => (await run('fsqTake', baseOf(at), at.id, table, at.queue, readyMs)) === 1,
    sendToWait: async (at, dueAtMs) => void (await run('fsqSendToWait', baseOf(at), at.id, table, dueAtMs)),
    drop: async (at) => void (await run('fsqDrop', baseOf(at), at.id, table)),
    accept: async (job: ArrivingJob) => {
      const fields = Object.entries(job.fields);
      const ended = [job.ended?.state ?? '', job.ended?.atMs ?? 0] as const;
      const told = [...ended, fields.length, ...fields.flat(), ...job.log];
      return (await run('fsqAccept', baseOf(job), job.id, table, job.queue, job.dueAtMs, ...told)) === 1;
    },
  };
}
