/**
 * What a run shows and keeps, in Redis: two fields of the job's own hash, and BullMQ's own list of its log lines. So all of it goes with the
 * job, whoever removes it, and other programs show the lines.
 */

/** ARGV: base, id, token, report, per cent or ''. */
const KEEP_REPORT: string = `
local key = ARGV[1] .. ARGV[2]
if redis.call('GET', key .. ':lock') ~= ARGV[3] then return 0 end
redis.call('HSET', key, 'fsqReport', ARGV[4])
if ARGV[5] ~= '' then
  redis.call('HSET', key, 'progress', ARGV[5])
  redis.call('XADD', ARGV[1] .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'progress', 'jobId', ARGV[2], 'data', ARGV[5])
end
return 1
`;

/** ARGV: base, id, token, text. */
const KEEP_CHECKPOINT: string = `
local key = ARGV[1] .. ARGV[2]
if redis.call('GET', key .. ':lock') ~= ARGV[3] then return 0 end
redis.call('HSET', key, 'fsqCheckpoint', ARGV[4])
return 1
`;

/** ARGV: base, id, most bytes, bytes above which the log is cleared or -1, the lines. */
const APPEND_LOG: string = `
local key = ARGV[1] .. ARGV[2]
local count = #ARGV - 4
if redis.call('EXISTS', key) == 0 then return { count, 0, 0 } end
local most, above = tonumber(ARGV[3]), tonumber(ARGV[4])
local size, cleared, taken = tonumber(redis.call('HGET', key, 'fsqLogged') or '0'), 0, 0
if above >= 0 and size > above then
  redis.call('DEL', key .. ':logs')
  size, cleared = 0, size
end
for i = 5, #ARGV do
  local length = #ARGV[i] + 1
  if size + length > most then break end
  redis.call('RPUSH', key .. ':logs', ARGV[i])
  size = size + length
  taken = taken + 1
end
redis.call('HSET', key, 'fsqLogged', size)
return { taken, size, cleared }
`;

export type BesideScript = 'fsqKeepReport' | 'fsqKeepCheckpoint' | 'fsqAppendLog';

export const BESIDE_SCRIPTS: Readonly<Record<BesideScript, string>> = {
  fsqKeepReport: KEEP_REPORT,
  fsqKeepCheckpoint: KEEP_CHECKPOINT,
  fsqAppendLog: APPEND_LOG,
};
