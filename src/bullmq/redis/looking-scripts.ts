/** Looks at many jobs in Redis: some at a time, so that no look keeps others waiting. */

/** What is read of a job that has not ended, without its texts. */
const NAMED: string = `
local function named(base, id, score)
  local got = redis.call('HMGET', base .. id, 'name', 'priority', 'ats', 'stc', 'fsq')
  local told = got[5] and string.match(got[5], '^%d+ %d+ %d+') or false
  return { id, score, got[1], got[2], got[3], got[4], told, redis.call('GET', base .. id .. ':lock') }
end
`;

/**
 * From the right end, which is taken first. ARGV: base, which list, the id that was last or '', how far that was from the right end, how many.
 * If it has gone, others have gone with it: some are told again. Gives how far the first one is from the right end, and the jobs.
 */
const LIST_PAGE: string = `${NAMED}
local base, key, count = ARGV[1], ARGV[1] .. ARGV[2], tonumber(ARGV[5])
local length = redis.call('LLEN', key)
local from = 0
if ARGV[3] ~= '' then
  local at = redis.call('LPOS', key, ARGV[3], 'RANK', -1)
  if at then from = length - at else from = math.max(0, tonumber(ARGV[4]) - count) end
end
local found = {}
if from < length then
  local ids = redis.call('LRANGE', key, -1 - from - (count - 1), -1 - from)
  for i = #ids, 1, -1 do found[#found + 1] = named(base, ids[i], false) end
end
return { from, found }
`;

/** ARGV: base, which set, the score to go on at or '-inf', how many of that score to leave out, how many. */
const SET_PAGE: string = `${NAMED}
local base = ARGV[1]
local flat = redis.call('ZRANGE', base .. ARGV[2], ARGV[3], '+inf', 'BYSCORE', 'LIMIT', ARGV[4], ARGV[5], 'WITHSCORES')
local found = {}
for i = 1, #flat, 2 do found[#found + 1] = named(base, flat[i], flat[i + 1]) end
return found
`;

/** The same from the highest score, which is '+inf' at first, down: ids and scores alone. */
const ENDED_PAGE: string = `
local flat = redis.call('ZRANGE', ARGV[1] .. ARGV[2], ARGV[3], '-inf', 'BYSCORE', 'REV', 'LIMIT', ARGV[4], ARGV[5], 'WITHSCORES')
local found = {}
for i = 1, #flat, 2 do found[#found + 1] = { flat[i], flat[i + 1] } end
return found
`;

/** BullMQ's score of a ready job: its priority, and in the lower 32 bits in which order it became ready. ARGV: p, the queues. */
const HEADS: string = `
local found = {}
for q = 2, #ARGV do
  local base = ARGV[1] .. ':' .. ARGV[q] .. ':'
  local ready = redis.call('ZCARD', base .. 'prioritized')
  local row = { ARGV[q], redis.call('LLEN', base .. 'wait') + ready }
  row[3] = redis.call('LINDEX', base .. 'wait', -1) or nil
  for priority = 0, ready > 0 and 10 or -1 do
    local most = priority == 10 and '+inf' or string.format('(%.0f', (priority + 1) * 4294967296)
    local least = string.format('%.0f', priority * 4294967296)
    row[#row + 1] = redis.call('ZRANGE', base .. 'prioritized', least, most, 'BYSCORE', 'LIMIT', 0, 1)[1]
  end
  found[#found + 1] = row
end
return found
`;

/**
 * BullMQ's streams of events, from a place of each on. ARGV: p, how many at most of each, then queue and place, again and again; '$': now.
 * For each: where it goes on, 1 if some may have been trimmed or there are more, and the ids of the jobs.
 */
const NEWS: string = `
local function lastOf(key)
  if redis.call('EXISTS', key) == 0 then return '0-0' end
  local info = redis.call('XINFO', 'STREAM', key)
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then return info[i + 1] end
  end
end
local found = {}
for q = 3, #ARGV, 2 do
  local key, place = ARGV[1] .. ':' .. ARGV[q] .. ':events', ARGV[q + 1]
  local row = { place, 0 }
  local entries = place ~= '$' and redis.call('XRANGE', key, '(' .. place, '+', 'COUNT', ARGV[2]) or {}
  if #entries == 0 then
    row[1] = lastOf(key)
    if place ~= '$' and row[1] ~= place then row[2] = 1 end
  else
    local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
    if (first[1] == entries[1][1] and place ~= '0-0') or #entries == tonumber(ARGV[2]) then row[2] = 1 end
    for _, entry in ipairs(entries) do
      row[1] = entry[1]
      for f = 1, #entry[2], 2 do
        if entry[2][f] == 'jobId' then row[#row + 1] = entry[2][f + 1] end
      end
    end
  end
  found[#found + 1] = row
end
return found
`;

export type LookingScript = 'fsqListPage' | 'fsqSetPage' | 'fsqEndedPage' | 'fsqHeads' | 'fsqNews';

export const LOOKING_SCRIPTS: Readonly<Record<LookingScript, string>> = {
  fsqListPage: LIST_PAGE,
  fsqSetPage: SET_PAGE,
  fsqEndedPage: ENDED_PAGE,
  fsqHeads: HEADS,
  fsqNews: NEWS,
};
