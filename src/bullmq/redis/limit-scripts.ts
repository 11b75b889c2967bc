/** What Redis does at once for limits: see limits/limit-store.ts. The keys are fsq's own, and BullMQ's as in scripts.ts. */

/** How long a job that was made ready has its room to itself before it is claimed, ms; so long too a start that it has waited for. */
const PROMISE_MS = 2_000;

/**
 * The keys of a scope, behind `<p>-fsq:limit-`:
 *
 *   run:      hash: who runs, as <queue>\n<id>, and the tokens of their locks
 *   next:     zset: who was made ready and is not claimed yet, by the end of its promise
 *   line:     zset: who waits for room, by order
 *   starts:   how many have started in a span of time
 *   due:      zset: who waits for a start, by when it is likely to get one
 *
 * and of all: `most` (hash: scope → its room), `lines` (set of scopes with a line), `scopes` (set), `held:<queue>` (hash: id → scope).
 */
const COMMON: string = `
local P = ARGV[1]
local F = P .. '-fsq:limit-'
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local function split(member)
  local at = string.find(member, '\\n', 1, true)
  return string.sub(member, 1, at - 1), string.sub(member, at + 1)
end

local function prune(scope)
  local run = F .. 'run:' .. scope
  local all = redis.call('HGETALL', run)
  for i = 1, #all, 2 do
    local queue, id = split(all[i])
    if redis.call('GET', P .. ':' .. queue .. ':' .. id .. ':lock') ~= all[i + 1] then redis.call('HDEL', run, all[i]) end
  end
end

local function roomOf(scope, most)
  local run, next = F .. 'run:' .. scope, F .. 'next:' .. scope
  redis.call('ZREMRANGEBYSCORE', next, '-inf', now)
  local promised = redis.call('ZCARD', next)
  local running = redis.call('HLEN', run)
  if most - running - promised > 0 then return most - running - promised end
  -- To look at a hundred locks takes some 50 us: of more not at each claim.
  if running <= 100 or redis.call('SET', F .. 'pruned:' .. scope, '1', 'NX', 'PX', 200) then
    prune(scope)
    running = redis.call('HLEN', run)
  end
  return most - running - promised
end

-- Whoever was to start by then, and has not, starts no more, or asks anew.
local function forgetPromised(scope)
  redis.call('ZREMRANGEBYSCORE', F .. 'due:' .. scope, '-inf', now - ${PROMISE_MS})
end

-- Of those that start first, some may wait no more.
local function dropGone(scope)
  local line = F .. 'due:' .. scope
  for _, other in ipairs(redis.call('ZRANGE', line, 0, 19)) do
    local queue, id = split(other)
    if redis.call('HGET', F .. 'held:' .. queue, id) ~= scope then redis.call('ZREM', line, other) end
  end
end

local function ready(queue, id)
  local base = P .. ':' .. queue .. ':'
  if redis.call('ZREM', base .. 'delayed', id) == 0 then return false end
  local priority = tonumber(redis.call('HGET', base .. id, 'priority') or '0')
  if priority == 0 then
    redis.call('RPUSH', base .. 'wait', id)
  else
    redis.call('ZADD', base .. 'prioritized', string.format('%.0f', priority * 4294967296), id)
  end
  local meta = redis.call('HMGET', base .. 'meta', 'paused', 'concurrency', 'opts.maxLenEvents')
  local isMaxed = meta[2] and redis.call('LLEN', base .. 'active') >= tonumber(meta[2])
  if not meta[1] and not isMaxed then redis.call('ZADD', base .. 'marker', 0, '0') end
  redis.call('XADD', base .. 'events', 'MAXLEN', '~', meta[3] or 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
  redis.call('HSET', base .. id, 'delay', 0)
  return true
end

local function free(scope)
  local most = tonumber(redis.call('HGET', F .. 'most', scope) or '1')
  local room = roomOf(scope, most)
  while room > 0 do
    local first = redis.call('ZPOPMIN', F .. 'line:' .. scope)
    if not first[1] then
      redis.call('SREM', F .. 'lines', scope)
      return
    end
    local queue, id = split(first[1])
    if redis.call('HGET', F .. 'held:' .. queue, id) == scope then
      redis.call('HDEL', F .. 'held:' .. queue, id)
      if ready(queue, id) then
        redis.call('ZADD', F .. 'next:' .. scope, now + ${PROMISE_MS}, first[1])
        room = room - 1
      end
    end
  end
end
`;

/** ARGV: p, queue, id, token, order; of each scope: its name, its room or '', its starts or '', their span of time. Nil, or the scope and when. */
const ADMIT: string = `${COMMON}
local queue, id, token, order = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local member = queue .. '\\n' .. id

local function refuse(scope, inMs)
  for i = 6, #ARGV, 4 do redis.call('ZREM', F .. 'next:' .. ARGV[i], member) end
  redis.call('HSET', F .. 'held:' .. queue, id, scope)
  return { scope, inMs }
end

local function startsKey(i)
  local length = tonumber(ARGV[i + 3])
  local index = math.floor(now / length)
  return F .. 'starts:' .. ARGV[i + 2] .. '-' .. ARGV[i + 3] .. ':' .. ARGV[i] .. ':' .. string.format('%.0f', index), math.ceil((index + 1) * length), length
end

local function hasRoom(i)
  local scope, most = ARGV[i], tonumber(ARGV[i + 1])
  redis.call('HSET', F .. 'most', scope, ARGV[i + 1])
  local room = roomOf(scope, most)
  if redis.call('ZSCORE', F .. 'next:' .. scope, member) then return true end
  return room > redis.call('ZCOUNT', F .. 'line:' .. scope, '-inf', '(' .. order)
end

-- Nil when there is a start for it; else when there may be one.
local function startIn(i)
  local scope, slots = ARGV[i], tonumber(ARGV[i + 2])
  local key, ends, length = startsKey(i)
  local line = F .. 'due:' .. scope
  forgetPromised(scope)
  local free = math.max(0, slots - tonumber(redis.call('GET', key) or '0'))
  local mine = redis.call('ZSCORE', line, member)
  if free > redis.call('ZCOUNT', line, '-inf', '(' .. (mine or string.format('%.0f', ends))) then return nil end
  dropGone(scope)
  local ahead = mine and redis.call('ZCOUNT', line, '-inf', '(' .. mine) or redis.call('ZCARD', line)
  local due = math.ceil(ends + math.floor(math.max(0, ahead - free) / slots) * length)
  redis.call('ZADD', line, string.format('%.0f', due), member)
  redis.call('SADD', F .. 'scopes', scope)
  return due - now
end

-- It was admitted with this lock: the answer was lost, and the question came once more.
local key = P .. ':' .. queue .. ':' .. id
if redis.call('HGET', key, 'fsqAdmitted') == token then return nil end
for i = 6, #ARGV, 4 do
  if ARGV[i + 1] ~= '' and not hasRoom(i) then return refuse(ARGV[i], -1) end
end
for i = 6, #ARGV, 4 do
  local inMs = ARGV[i + 2] ~= '' and startIn(i)
  if inMs then return refuse(ARGV[i], inMs) end
end
redis.call('HDEL', F .. 'held:' .. queue, id)
if redis.call('EXISTS', key) == 1 then redis.call('HSET', key, 'fsqAdmitted', token) end
for i = 6, #ARGV, 4 do
  local scope = ARGV[i]
  if ARGV[i + 1] ~= '' then
    redis.call('HSET', F .. 'run:' .. scope, member, token)
    redis.call('ZREM', F .. 'next:' .. scope, member)
    redis.call('ZREM', F .. 'line:' .. scope, member)
    redis.call('SADD', F .. 'scopes', scope)
  end
  if ARGV[i + 2] ~= '' then
    local key, _, length = startsKey(i)
    redis.call('INCR', key)
    redis.call('PEXPIRE', key, math.ceil(2 * length))
    redis.call('ZREM', F .. 'due:' .. scope, member)
  end
end
return nil
`;

/** ARGV: p, queue, id, order, scope. */
const HOLD: string = `${COMMON}
local queue, id, scope = ARGV[2], ARGV[3], ARGV[5]
if redis.call('HGET', F .. 'held:' .. queue, id) ~= scope then return end
if not redis.call('ZSCORE', P .. ':' .. queue .. ':delayed', id) then return end
redis.call('ZADD', F .. 'line:' .. scope, ARGV[4], queue .. '\\n' .. id)
redis.call('SADD', F .. 'lines', scope)
free(scope)
`;

/** ARGV: p, queue, id, token, scopes. */
const RELEASE: string = `${COMMON}
local member = ARGV[2] .. '\\n' .. ARGV[3]
for i = 5, #ARGV do
  local run = F .. 'run:' .. ARGV[i]
  if redis.call('HGET', run, member) == ARGV[4] then redis.call('HDEL', run, member) end
  if redis.call('EXISTS', F .. 'line:' .. ARGV[i]) == 1 then free(ARGV[i]) end
end
`;

/** ARGV: p. */
const SWEEP: string = `${COMMON}
for _, scope in ipairs(redis.call('SRANDMEMBER', F .. 'lines', 200)) do
  prune(scope)
  free(scope)
end
for _, scope in ipairs(redis.call('SRANDMEMBER', F .. 'scopes', 20)) do
  prune(scope)
  redis.call('ZREMRANGEBYSCORE', F .. 'next:' .. scope, '-inf', now)
  forgetPromised(scope)
  dropGone(scope)
  local keys = { F .. 'run:' .. scope, F .. 'line:' .. scope, F .. 'next:' .. scope, F .. 'due:' .. scope }
  if redis.call('EXISTS', unpack(keys)) == 0 then
    redis.call('SREM', F .. 'scopes', scope)
    redis.call('HDEL', F .. 'most', scope)
  end
end
`;

/** ARGV: p, queues. A job that was ended or removed is held back no more. */
const HELD_BACK: string = `
local count = 0
for i = 2, #ARGV do
  local held = ARGV[1] .. '-fsq:limit-held:' .. ARGV[i]
  for _, id in ipairs(redis.call('HKEYS', held)) do
    local base = ARGV[1] .. ':' .. ARGV[i] .. ':'
    if redis.call('ZSCORE', base .. 'delayed', id) or redis.call('EXISTS', base .. id .. ':lock') == 1 then
      count = count + 1
    else
      redis.call('HDEL', held, id)
    end
  end
end
return count
`;

/** ARGV: table, queue, BullMQ's meta, whether there was a note, before, whether there is one, after; of each of three fields: its name, its value or ''. */
const SWAP_QUEUE_LIMITS: string = `
local now = redis.call('HGET', ARGV[1], ARGV[2])
if ARGV[4] == '0' then if now then return 0 end
elseif now ~= ARGV[5] then return 0 end
if ARGV[6] == '0' then redis.call('HDEL', ARGV[1], ARGV[2]) else redis.call('HSET', ARGV[1], ARGV[2], ARGV[7]) end
for i = 8, #ARGV, 2 do
  if ARGV[i + 1] == '' then redis.call('HDEL', ARGV[3], ARGV[i]) else redis.call('HSET', ARGV[3], ARGV[i], ARGV[i + 1]) end
end
return 1
`;

type LimitScript = 'fsqAdmit' | 'fsqHold' | 'fsqRelease' | 'fsqSweepLimits' | 'fsqHeldBack' | 'fsqSwapQueueLimits';

export const LIMIT_SCRIPTS: Readonly<Record<LimitScript, string>> = {
  fsqAdmit: ADMIT,
  fsqHold: HOLD,
  fsqRelease: RELEASE,
  fsqSweepLimits: SWEEP,
  fsqHeldBack: HELD_BACK,
  fsqSwapQueueLimits: SWAP_QUEUE_LIMITS,
};
