/**
 * The end of a job that has succeeded, in one step of Redis: BullMQ's move with the tail of fsq, the word to those that wait for the job, a look
 * whether others come after it, and the claim of the next job of its queue. BullMQ's own script does what is BullMQ's.
 */
import type { MinimalJob, RedisQueueBackend } from 'bullmq';
import type { Redis } from 'ioredis';
import { isRecord } from '../../job/values/realm.ts';
import type { Completing, NextClaim, Taken } from '../engine.ts';
import { claimedJob, rowsOf } from '../redis/redis-looks.ts';
import { ENDED, endedWord } from './ended-word.ts';

/** The name of the script in ioredis. */
const COMPLETE = 'fsqComplete';
/** How the name of BullMQ's begins; its version comes behind. */
const FINISH = 'moveToFinished:';
/** Where the time is among the keys and arguments of that. */
const FINISHED_ON = 15;

/**
 * Around the text of BullMQ's moveToFinished, whose keys and arguments are given to it as it names them. ARGV: tail, line, channel, word, owner,
 * token of the next claim, ms of its lock, and then those. The lock of the next job gets a token of its own, and that job says who has it.
 */
function scriptAround(lua: string, keyCount: number): string {
  return `-- End a job, and claim the next
local function finish(KEYS, ARGV)
${lua}
end
local keys, args = {}, {}
for i = 8, #ARGV do
  if i < 8 + ${keyCount} then keys[i - 7] = ARGV[i] else args[i - ${7 + keyCount}] = ARGV[i] end
end
args[9] = cmsgpack.pack({ 'fsq', ARGV[1] })
local isDone, done = pcall(finish, keys, args)
if not isDone then
  if redis.call('HGET', keys[12], 'finishedOn') ~= args[2] then
    return type(done) == 'table' and done or redis.error_reply(tostring(done))
  end
  -- The job has ended: BullMQ has stopped over a field of the next one, which it has locked.
  done = 0
  local id = redis.call('LINDEX', keys[2], 0)
  local key = args[7] .. (id or '')
  if id and redis.call('GET', key .. ':lock') == cmsgpack.unpack(args[8]).token and redis.call('TYPE', key).ok == 'hash' then
    done = { redis.call('HGETALL', key), id, 0, 0 }
  end
end
if type(done) == 'number' and done < 0 then return { done } end
redis.call('PUBLISH', ARGV[3], ARGV[4])
local hasLine = redis.call('EXISTS', ARGV[2])
if type(done) ~= 'table' or type(done[1]) ~= 'table' then return { 0, hasLine, done } end
local key = args[7] .. done[2]
redis.call('SET', key .. ':lock', ARGV[6], 'PX', ARGV[7])
redis.call('HSET', key, 'pb', ARGV[5])
return { 0, hasLine, done }
`;
}

interface Completer {
  /** The connection of the queues. */
  readonly client: Redis;
  readonly backendOf: (queue: string) => RedisQueueBackend;
  /** Of fsq's keys. */
  readonly keyOf: (name: string) => string;
  readonly lockMs: number;
}

interface Completed {
  readonly hasLine: boolean;
  readonly taken: Taken;
}

/** @throws an error with BullMQ's code where it has not moved the job: then nothing was claimed */
export async function completeOnRedis(
  { client, backendOf, keyOf, lockMs }: Completer,
  next: NextClaim | null,
  ...[held, value, tail, table]: Completing
): Promise<Completed> {
  const { queue, id, token, attemptsAllowed } = held;
  const backend = backendOf(queue);
  // Once BullMQ has a connection, its scripts are there.
  if (!(COMPLETE in client)) await backend.client;
  const job = { id, opts: { attempts: attemptsAllowed } } as unknown as MinimalJob; // What BullMQ looks at of it.
  const returnvalue = JSON.stringify(value) ?? 'null';
  const move = backend.moveToCompletedArgs(job, returnvalue, false, token, next !== null);
  const word = endedWord(id, { finishedOn: Number(move[FINISHED_ON]), tail, returnvalue });
  const ours = [tail, keyOf(table), keyOf(ENDED), word, next?.owner ?? '', next?.token ?? '', lockMs];
  const [code, hasLine, done] = rowsOf(await scriptOf(client)([...ours, ...move]));
  if (typeof code === 'number' && code < 0)
    throw Object.assign(new Error(`BullMQ has not ended job ${id} (${code})`), { code });
  return { hasLine: hasLine === 1, taken: takenIn(done, queue, next) };
}

function takenIn(done: unknown, queue: string, next: NextClaim | null): Taken {
  const [fields, id, limitedMs, untilMs] = rowsOf(done);
  if (next !== null && Array.isArray(fields) && typeof id === 'string')
    return { kind: 'job', raw: { ...claimedJob(id, queue, fields), token: next.token, processedBy: next.owner } };
  const dueMs = Number(untilMs ?? 0);
  return { kind: 'none', untilMs: dueMs > 0 ? dueMs : null, limitedMs: Math.max(0, Number(limitedMs ?? 0)) };
}

type Script = (args: readonly unknown[]) => Promise<unknown>;

/** ioredis keeps the texts of its scripts by their names; BullMQ's have its version in theirs. */
function scriptOf(client: Redis): Script {
  const known = client as unknown as Readonly<Record<string, unknown>>;
  if (!(COMPLETE in client)) {
    const sets = known['scriptsSet'];
    const [, script] = Object.entries(isRecord(sets) ? sets : {}).find(([name]) => name.startsWith(FINISH)) ?? [];
    const { lua, numberOfKeys } = isRecord(script) ? script : {};
    if (typeof lua !== 'string' || typeof numberOfKeys !== 'number')
      throw new Error(`BullMQ has no script ${FINISH} by which a job ends, or ioredis does not tell it.`);
    client.defineCommand(COMPLETE, { numberOfKeys: 0, lua: scriptAround(lua, numberOfKeys) });
  }
  return (args) => (known[COMPLETE] as Script).call(client, args);
}
