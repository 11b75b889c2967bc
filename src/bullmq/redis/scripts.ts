/**
 * What Redis does at once for fsq. The keys are BullMQ's (its documentation "Queue internals"), read as its own scripts of 6.7 read
 * them; `p` is the prefix. Every script is of one slot where the prefix has a hash tag.
 */

import { BESIDE_SCRIPTS, type BesideScript } from './beside-scripts.ts';
import { ENDED_SCRIPTS, type EndedScript } from './ended-scripts.ts';
import { LOOKING_SCRIPTS, type LookingScript } from './looking-scripts.ts';

/** Where a job is, by the cheapest questions first. */
const STATE: string = `
local function stateOf(base, id)
  local key = base .. id
  if redis.call('HEXISTS', key, 'finishedOn') == 1 then
    local at = redis.call('ZSCORE', base .. 'completed', id)
    if at then return 'completed', at end
    at = redis.call('ZSCORE', base .. 'failed', id)
    if at then return 'failed', at end
  end
  local due = redis.call('ZSCORE', base .. 'delayed', id)
  if due then return 'delayed', due end
  if redis.call('ZSCORE', base .. 'prioritized', id) then return 'waiting', false end
  if redis.call('EXISTS', key .. ':lock') == 1 then return 'active', false end
  if redis.call('LPOS', base .. 'active', id) then return 'active', false end
  if redis.call('LPOS', base .. 'wait', id) or redis.call('LPOS', base .. 'paused', id) then return 'waiting', false end
  if redis.call('ZSCORE', base .. 'waiting-children', id) then return 'delayed', false end
  local at = redis.call('ZSCORE', base .. 'completed', id)
  if at then return 'completed', at end
  at = redis.call('ZSCORE', base .. 'failed', id)
  if at then return 'failed', at end
  local moving = redis.call('HGET', key, 'fsqMoving')
  if moving then return 'delayed', string.format('%.0f', tonumber(moving) * 4096) end
  return false, false
end
`;

/** What is read of a job, in this order. */
export const FIELDS = [
  'name',
  'data',
  'priority',
  'timestamp',
  'processedOn',
  'finishedOn',
  'returnvalue',
  'failedReason',
  'stacktrace',
  'pb',
  'ats',
  'stc',
  'defa',
  'fsq',
  'progress',
  'fsqReport',
] as const;
const FIELD_LIST: string = FIELDS.map((field) => `'${field}'`).join(', ');

/** ARGV: p, how many queues, the queues, the ids. For each id: queue, state, score, token, how long its log is, and the fields; or nil. */
const LOOK: string = `${STATE}
local prefix, count = ARGV[1], tonumber(ARGV[2])
local found = {}
for i = 3 + count, #ARGV do
  local id, seen = ARGV[i], false
  for q = 3, 2 + count do
    local base = prefix .. ':' .. ARGV[q] .. ':'
    -- BullMQ has keys of its own beside its jobs, such as 'meta' and 'events'.
    if redis.call('TYPE', base .. id).ok == 'hash' then
      local state, score = stateOf(base, id)
      if state then
        local fields = redis.call('HMGET', base .. id, ${FIELD_LIST})
        local logged = redis.call('LLEN', base .. id .. ':logs')
        seen = { ARGV[q], state, score, redis.call('GET', base .. id .. ':lock'), logged, fields }
        break
      end
    end
  end
  found[#found + 1] = seen
end
return found
`;

/**
 * BullMQ's scripts stop in the middle over a job's parent, or a counter, that is not as they write it: the lock is gone by then, and perhaps the
 * place among the active ones; or the job waits again already. ARGV: base, id, token, claims, stalls, how long the lock is to hold.
 */
const MEND_HELD: string = `${STATE}
local base, id = ARGV[1], ARGV[2]
local key = base .. id
local fields = redis.call('HMGET', key, 'name', 'ats', 'atm', 'stc', 'parent', 'parentKey')
local function count(text) return string.match(text or '0', '^%d+$') and #(text or '0') < 16 end
local claims = count(fields[2]) and tonumber(fields[2] or '0') or 0
local stalls = count(fields[4]) and tonumber(fields[4] or '0') or 0
local token = redis.call('GET', key .. ':lock')
if not fields[1] or claims ~= tonumber(ARGV[4]) or (token and token ~= ARGV[3]) then return '' end
local state = stateOf(base, id)
if state and state ~= 'active' and (state ~= 'waiting' or stalls ~= tonumber(ARGV[5])) then return '' end
for i, field in ipairs({ 'ats', 'atm', 'stc' }) do
  if not count(fields[i + 1]) then redis.call('HSET', key, field, 0) end
end
if fields[5] then
  local isRead, parent = pcall(cjson.decode, fields[5])
  local isParent = isRead and type(parent) == 'table' and type(parent.queueKey) == 'string'
  if not isParent or (type(parent.id) ~= 'string' and type(parent.id) ~= 'number') then redis.call('HDEL', key, 'parent') end
end
if fields[6] and not string.find(fields[6], ':', 1, true) then redis.call('HDEL', key, 'parentKey') end
if state == 'waiting' then return 'moved' end
redis.call('SET', key .. ':lock', ARGV[3], 'PX', ARGV[6])
if not redis.call('LPOS', base .. 'active', id) then redis.call('LPUSH', base .. 'active', id) end
return 'held'
`;

/** ARGV: base, id, tail, reason, now. */
const END_WAITING: string = `${STATE}
local base, id = ARGV[1], ARGV[2]
if redis.call('EXISTS', base .. id) == 0 then return nil end
local state = stateOf(base, id)
-- Of one on its way to another place the flag is told there.
if state == 'active' or redis.call('HEXISTS', base .. id, 'fsqMoving') == 1 then return 'running' end
if state == 'completed' or state == 'failed' then return 'over' end
if not state then return nil end
redis.call('ZREM', base .. 'delayed', id)
redis.call('ZREM', base .. 'prioritized', id)
redis.call('ZREM', base .. 'waiting-children', id)
redis.call('LREM', base .. 'wait', 1, id)
redis.call('LREM', base .. 'paused', 1, id)
redis.call('HSET', base .. id, 'fsq', ARGV[3], 'failedReason', ARGV[4], 'finishedOn', ARGV[5])
redis.call('ZADD', base .. 'failed', ARGV[5], id)
redis.call('XADD', base .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'failed', 'jobId', id, 'failedReason', ARGV[4], 'prev', 'waiting')
return 'ended'
`;

/** ARGV: p, how many queues, the queues, what tokens may begin with. For each: queue, id, token. */
const HELD: string = `
local prefix, count = ARGV[1], tonumber(ARGV[2])
local found = {}
for q = 3, 2 + count do
  local base = prefix .. ':' .. ARGV[q] .. ':'
  for _, id in ipairs(redis.call('LRANGE', base .. 'active', 0, -1)) do
    local token = redis.call('GET', base .. id .. ':lock')
    if token then
      for o = 3 + count, #ARGV do
        if string.sub(token, 1, #ARGV[o]) == ARGV[o] then found[#found + 1] = { ARGV[q], id, token } end
      end
    end
  end
end
return found
`;

/** ARGV: key, whether there was one, before, whether there is one, after. */
const SWAP: string = `
local now = redis.call('GET', ARGV[1])
if ARGV[2] == '0' then if now then return 0 end
elseif now ~= ARGV[3] then return 0 end
if ARGV[4] == '0' then redis.call('DEL', ARGV[1]) else redis.call('SET', ARGV[1], ARGV[5]) end
return 1
`;

/** ARGV: table, field, whether there was one, before, whether there is one, after. */
const SWAP_FIELD: string = `
local now = redis.call('HGET', ARGV[1], ARGV[2])
if ARGV[3] == '0' then if now then return 0 end
elseif now ~= ARGV[4] then return 0 end
if ARGV[5] == '0' then redis.call('HDEL', ARGV[1], ARGV[2]) else redis.call('HSET', ARGV[1], ARGV[2], ARGV[6]) end
return 1
`;

/** ARGV: table, the field that goes, what it is, the field that comes, what it will be. */
const MERGE_FIELDS: string = `
if redis.call('HGET', ARGV[1], ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('HDEL', ARGV[1], ARGV[2])
redis.call('HSET', ARGV[1], ARGV[4], ARGV[5])
return 1
`;

export type ScriptName =
  | BesideScript
  | LookingScript
  | EndedScript
  | 'fsqMergeFields'
  | 'fsqLook'
  | 'fsqMendHeld'
  | 'fsqEndWaiting'
  | 'fsqHeld'
  | 'fsqSwap'
  | 'fsqSwapField';

export const SCRIPTS: Readonly<Record<ScriptName, string>> = {
  ...BESIDE_SCRIPTS,
  ...LOOKING_SCRIPTS,
  ...ENDED_SCRIPTS,
  fsqMergeFields: MERGE_FIELDS,
  fsqLook: LOOK,
  fsqMendHeld: MEND_HELD,
  fsqEndWaiting: END_WAITING,
  fsqHeld: HELD,
  fsqSwap: SWAP,
  fsqSwapField: SWAP_FIELD,
};
