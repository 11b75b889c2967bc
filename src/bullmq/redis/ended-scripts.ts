/** What Redis does at once with jobs that come back, come with a fact, end their time, or are asked for in number. See scripts.ts. */

/** Puts a job whose hash is there to where it waits, as BullMQ's own scripts do. `due`: Unix ms; 0: at once. `isFirst`: of its priority. */
export const ENTER: string = `
local function enter(base, id, priority, due, prev, isFirst)
  local meta = redis.call('HMGET', base .. 'meta', 'paused', 'concurrency', 'opts.maxLenEvents')
  local most = meta[3] or 10000
  if due > 0 then
    local first = due * 4096
    local score = first
    local last = redis.call('ZREVRANGEBYSCORE', base .. 'delayed', first + 4095, first, 'WITHSCORES', 'LIMIT', 0, 1)
    if last[2] then score = math.min(tonumber(last[2]) + 1, first + 4095) end
    redis.call('ZADD', base .. 'delayed', string.format('%.0f', score), id)
    redis.call('XADD', base .. 'events', 'MAXLEN', '~', most, '*', 'event', 'delayed', 'jobId', id, 'delay', string.format('%.0f', due))
    local next = redis.call('ZRANGE', base .. 'delayed', 0, 0, 'WITHSCORES')
    redis.call('ZADD', base .. 'marker', string.format('%.0f', math.floor(tonumber(next[2]) / 4096)), '1')
    return
  end
  if priority == 0 then
    redis.call(isFirst and 'RPUSH' or 'LPUSH', base .. 'wait', id)
  else
    local count = isFirst and 0 or redis.call('INCR', base .. 'pc')
    redis.call('ZADD', base .. 'prioritized', string.format('%.0f', priority * 4294967296 + count % 4294967296), id)
  end
  local isMaxed = meta[2] and redis.call('LLEN', base .. 'active') >= tonumber(meta[2])
  if not meta[1] and not isMaxed then redis.call('ZADD', base .. 'marker', 0, '0') end
  redis.call('XADD', base .. 'events', 'MAXLEN', '~', most, '*', 'event', 'waiting', 'jobId', id, 'prev', prev)
end
`;

/** ARGV: base, id, token, tail; '': it stays. */
const GIVE_BACK: string = `-- Give a job back
${ENTER}
local base, id = ARGV[1], ARGV[2]
local key = base .. id
if redis.call('GET', key .. ':lock') ~= ARGV[3] then return 0 end
if ARGV[4] ~= '' then redis.call('HSET', key, 'fsq', ARGV[4]) end
redis.call('DEL', key .. ':lock')
redis.call('SREM', base .. 'stalled', id)
if redis.call('LREM', base .. 'active', 1, id) == 1 then
  enter(base, id, tonumber(redis.call('HGET', key, 'priority') or '0') or 0, 0, 'active', true)
end
return 1
`;

/** ARGV: p, how many queues, the queues, the ids. For each id: 'open', 'ended', or nil. */
const STAGES: string = `
local prefix, count = ARGV[1], tonumber(ARGV[2])
local found = {}
for i = 3 + count, #ARGV do
  local stage = false
  for q = 3, 2 + count do
    local key = prefix .. ':' .. ARGV[q] .. ':' .. ARGV[i]
    if redis.call('EXISTS', key) == 1 then
      stage = redis.call('HEXISTS', key, 'finishedOn') == 1 and 'ended' or 'open'
      break
    end
  end
  found[#found + 1] = stage
end
return found
`;

/** ARGV: base, id, finishedOn, tail, due, call. A job that has ended anew, or was sent back by another call, is left alone. */
const SEND_BACK: string = `${ENTER}
local base, id = ARGV[1], ARGV[2]
local key = base .. id
if redis.call('HGET', key, 'fsqBack') == ARGV[6] then return 1 end
if redis.call('HGET', key, 'finishedOn') ~= ARGV[3] then return 0 end
if redis.call('ZREM', base .. 'failed', id) == 0 then return 0 end
local due = tonumber(ARGV[5])
redis.call('HDEL', key, 'finishedOn', 'processedOn', 'failedReason', 'stacktrace', 'returnvalue', 'defa', 'atm')
redis.call('HSET', key, 'fsq', ARGV[4], 'fsqBack', ARGV[6])
enter(base, id, tonumber(redis.call('HGET', key, 'priority') or '0'), due, 'failed')
return 1
`;

/** ARGV: table, field, whether there was one, before, after, base, id, name, data, opts, timestamp, delay, priority, due. */
const SEND_IF: string = `${ENTER}
local now = redis.call('HGET', ARGV[1], ARGV[2])
if ARGV[3] == '0' then if now then return 0 end
elseif now ~= ARGV[4] then return 0 end
redis.call('HSET', ARGV[1], ARGV[2], ARGV[5])
local base, id = ARGV[6], ARGV[7]
if redis.call('EXISTS', base .. id) == 1 then return 1 end
redis.call('INCR', base .. 'id')
redis.call('HSET', base .. id, 'name', ARGV[8], 'data', ARGV[9], 'opts', ARGV[10], 'timestamp', ARGV[11],
  'delay', ARGV[12], 'priority', ARGV[13])
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'added', 'jobId', id, 'name', ARGV[8])
enter(base, id, tonumber(ARGV[13]), tonumber(ARGV[14]), '')
return 1
`;

/** What is told of an ended job: id, when it ended, tail, its data where that may name jobs that come next, and the set that it is in. */
const TOLD: string = `
local function told(base, set, id, at)
  local texts = redis.call('HMGET', base .. id, 'fsq', 'data')
  local isPredecessor = texts[2] and string.find(texts[2], '"next":', 1, true)
  return { id, at, texts[1], isPredecessor and texts[2], set }
end
`;

/** ARGV: base, the key of those that a limit holds back, new base, id, name, data, opts, timestamp, delay, priority, due. */
const RENEW: string = `${ENTER}
local base, newBase, id = ARGV[1], ARGV[3], ARGV[4]
local key = base .. id
local known = redis.call('HMGET', key, 'name', 'fsq', 'stc')
if not known[1] or known[2] or tonumber(known[3] or '0') > 0 then return 0 end
local was = redis.call('ZREM', base .. 'delayed', id) == 1 and 'delayed' or 'waiting'
if was == 'waiting' and redis.call('ZREM', base .. 'prioritized', id) + redis.call('LREM', base .. 'wait', 1, id) == 0 then return 0 end
redis.call('HDEL', ARGV[2], id)
redis.call('HSET', key, 'name', ARGV[5], 'data', ARGV[6], 'opts', ARGV[7], 'timestamp', ARGV[8], 'delay', ARGV[9], 'priority', ARGV[10])
if newBase ~= base then redis.call('RENAME', key, newBase .. id) end
enter(newBase, id, tonumber(ARGV[10]), tonumber(ARGV[11]), was)
return 1
`;

/** ARGV: base, set, from, until, how many to skip, how many. */
const ENDED_BY: string = `${TOLD}
local ids = redis.call('ZRANGEBYSCORE', ARGV[1] .. ARGV[2], ARGV[3], ARGV[4], 'WITHSCORES', 'LIMIT', ARGV[5], ARGV[6])
local found = {}
for i = 1, #ids, 2 do found[#found + 1] = told(ARGV[1], ARGV[2], ids[i], ids[i + 1]) end
return found
`;

/** ARGV: base, the ids. Those that have ended. */
const ENDED_AS: string = `${TOLD}
local found = {}
for i = 2, #ARGV do
  for _, set in ipairs({ 'completed', 'failed' }) do
    local at = redis.call('ZSCORE', ARGV[1] .. set, ARGV[i])
    if at then found[#found + 1] = told(ARGV[1], set, ARGV[i], at) end
  end
end
return found
`;

/** ARGV: base, then an id and its finishedOn for each. Gives the ids of those that are gone by it. */
const FORGET: string = `
local base = ARGV[1]
local gone = {}
for i = 2, #ARGV, 2 do
  local id, key = ARGV[i], base .. ARGV[i]
  local at = redis.call('ZSCORE', base .. 'completed', id)
  local set = at and 'completed' or 'failed'
  at = at or redis.call('ZSCORE', base .. 'failed', id)
  if at and tonumber(at) == tonumber(ARGV[i + 1]) then
    redis.call('ZREM', base .. set, id)
    local deduplication = redis.call('HGET', key, 'deid')
    if deduplication and redis.call('GET', base .. 'de:' .. deduplication) == id then
      redis.call('DEL', base .. 'de:' .. deduplication)
    end
    redis.call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
    redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', id, 'prev', set)
    gone[#gone + 1] = id
  end
end
return gone
`;

export type EndedScript =
  'fsqGiveBack' | 'fsqStages' | 'fsqSendBack' | 'fsqSendIf' | 'fsqRenew' | 'fsqEndedBy' | 'fsqEndedAs' | 'fsqForget';

export const ENDED_SCRIPTS: Readonly<Record<EndedScript, string>> = {
  fsqGiveBack: GIVE_BACK,
  fsqStages: STAGES,
  fsqSendBack: SEND_BACK,
  fsqSendIf: SEND_IF,
  fsqRenew: RENEW,
  fsqEndedBy: ENDED_BY,
  fsqEndedAs: ENDED_AS,
  fsqForget: FORGET,
};
