/** Jobs on their way to or from another place, in Redis: their hash has the field `fsqMoving`, and they are in none of BullMQ's lists. */
import type { Redis } from 'ioredis';
import { type ArrivingJob, type MoveSteps, type MoveStore, MOVING, NOTE, NOTES } from '../moving/move-store.ts';
import type { Place } from '../store.ts';
import { ENTER } from './ended-scripts.ts';
import { heldBackIn } from './redis-limits.ts';

/** Whoever stood still, while another went on with the move, does nothing more. ARGV, in all of them: base, id, table, notes, note. */
const FENCE: string = `
if redis.call('HGET', ARGV[4], '${NOTE}') ~= ARGV[5] then return nil end
local base, id = ARGV[1], ARGV[2]
`;

/** ARGV[6]: queue. A job that is due: its time; a ready one: what is given as ARGV[7]. [8]: the table of those that limits hold back. */
const TAKE: string = `${FENCE}
local key = base .. id
if redis.call('HEXISTS', key, 'fsqMoving') == 1 then return 1 end
if redis.call('HEXISTS', key, 'finishedOn') == 1 then return 0 end
local score = redis.call('ZSCORE', base .. 'delayed', id)
local due = ARGV[7]
if score then
  due = string.format('%.0f', math.floor(tonumber(score) / 4096))
  redis.call('ZREM', base .. 'delayed', id)
elseif redis.call('ZREM', base .. 'prioritized', id) == 0 and redis.call('LREM', base .. 'wait', 1, id) == 0
  and redis.call('LREM', base .. 'paused', 1, id) == 0 then
  return 0
end
redis.call('HSET', key, 'fsqMoving', due)
redis.call('HSET', ARGV[3], id, ARGV[6])
redis.call('HDEL', ARGV[8], id)
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', id, 'prev', 'waiting')
return 1
`;

/** ARGV[6]: due. */
const SEND_TO_WAIT: string = `${ENTER}${FENCE}
redis.call('HDEL', ARGV[3], id)
if redis.call('HDEL', base .. id, 'fsqMoving') == 0 then return 0 end
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id, 'name', redis.call('HGET', base .. id, 'name'))
enter(base, id, tonumber(redis.call('HGET', base .. id, 'priority') or '0'), tonumber(ARGV[6]), '')
return 1
`;

const DROP: string = `${FENCE}
local key = base .. id
local there = redis.call('HEXISTS', key, 'fsqMoving')
if there == 1 then redis.call('DEL', key, key .. ':logs') end
redis.call('HDEL', ARGV[3], id)
return there
`;

/** ARGV[6]: queue, due, the set of those that ended so, when, how many fields, fields and values, lines. */
const ACCEPT: string = `${FENCE}
local key = base .. id
if redis.call('EXISTS', key) == 1 then return redis.call('HEXISTS', key, 'fsqMoving') end
local count = tonumber(ARGV[10])
for i = 11, 10 + 2 * count, 2 do redis.call('HSET', key, ARGV[i], ARGV[i + 1]) end
for i = 11 + 2 * count, #ARGV do redis.call('RPUSH', key .. ':logs', ARGV[i]) end
redis.call('INCR', base .. 'id')
if ARGV[8] == '' then
  redis.call('HSET', key, 'fsqMoving', ARGV[7])
  redis.call('HSET', ARGV[3], id, ARGV[6])
else
  redis.call('ZADD', base .. ARGV[8], ARGV[9], id)
end
return 1
`;

const MOVE_SCRIPTS = { fsqTake: TAKE, fsqSendToWait: SEND_TO_WAIT, fsqDrop: DROP, fsqAccept: ACCEPT } as const;

/** @param readyMs stands for no time of its own */
export function redisMoves(client: Redis, prefix: string, readyMs: number): MoveStore {
  for (const [name, lua] of Object.entries(MOVE_SCRIPTS))
    if (!(name in client)) client.defineCommand(name, { numberOfKeys: 0, lua });
  const table = `${prefix}-fsq:${MOVING}`;
  const run = async (
    name: keyof typeof MOVE_SCRIPTS,
    note: string,
    at: Place,
    ...args: Args
  ): Promise<boolean | null> => {
    const script = (client as unknown as Readonly<Record<string, unknown>>)[name];
    if (typeof script !== 'function') throw new Error(`The script ${name} is not defined.`);
    const told = [`${prefix}:${at.queue}:`, at.id, table, `${prefix}-fsq:${NOTES}`, note, ...args];
    const answer: unknown = await (script as (...given: Args) => Promise<unknown>).apply(client, told);
    return answer === null ? null : answer === 1;
  };
  const under = (note: string): MoveSteps => ({
    take: (at) => run('fsqTake', note, at, at.queue, readyMs, `${prefix}-fsq:${heldBackIn(at.queue)}`),
    sendToWait: (at, dueAtMs) => run('fsqSendToWait', note, at, dueAtMs),
    drop: (at) => run('fsqDrop', note, at),
    accept: (job: ArrivingJob) => {
      const fields = Object.entries(job.fields);
      const ended = [job.ended?.state ?? '', job.ended?.atMs ?? 0] as const;
      const told = [...ended, fields.length, ...fields.flat(), ...job.log];
      return run('fsqAccept', note, job, job.queue, job.dueAtMs, ...told);
    },
  });
  return { isCounting: false, under };
}

type Args = readonly (string | number)[];
