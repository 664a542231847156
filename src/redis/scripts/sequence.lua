-- Put before every script: the epoch, and the one sequence of numbers. KEYS[1] is the log's hash.
-- ARGV[1] run_id of the primary that this connection leads to
-- ARGV[2] a fresh epoch, should one have to begin
-- ARGV[3] run_id whose epoch the caller means to replace; '' when it knows of none

-- A script stops here when the log belongs to another primary: the caller decides whether to begin a new epoch.
local stored = redis.call('HMGET', KEYS[1], 'run', 'epoch', 'last')
local epoch, last = stored[2], tonumber(stored[3] or 0)
if stored[1] ~= ARGV[1] then
  if (stored[1] or '') ~= ARGV[3] then return { 'STALE_PRIMARY', stored[1] } end
  epoch = ARGV[2]
  redis.call('HSET', KEYS[1], 'run', ARGV[1], 'epoch', epoch)
end

-- Numbers are microseconds: too large for Lua's own notation, small enough to be exact.
local function text(number) return string.format('%.0f', number) end

local function microseconds()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
