-- Applies a change, all of it or nothing. See Store.commit in src/signaling/ports.ts.
-- KEYS[1] log  KEYS[2] timers  KEYS[3..n] as the plan points to them
-- ARGV[1..3] see sequence.lua  ARGV[4] the plan as JSON; numbers in it named k… are places in KEYS, b… places in ARGV
-- ARGV[5..n] bodies, channels and values, kept out of the plan because they may be large
-- Returns { 'DONE', number… } | { 'REPEATED', result } | { 'KEY_CONFLICT' } | { 'CONFLICT' } | { 'STALE_PRIMARY', run }
local plan = cjson.decode(ARGV[4])
local day = 86400000

-- Refuse before anything is written.
if plan.key then
  local known = redis.call('HMGET', KEYS[plan.key.k], 'fingerprint', 'result')
  if known[1] then
    if known[1] == plan.key.fingerprint then return { 'REPEATED', known[2] } end
    return { 'KEY_CONFLICT' }
  end
end
for _, expected in ipairs(plan.expect) do
  if tonumber(redis.call('HGET', KEYS[expected.k], 'rev') or 0) ~= expected.rev then return { 'CONFLICT' } end
end

-- Drops the oldest entries of a topic while the rest holds more than `most` bytes. Returns the running sum before the
-- oldest one kept, `bytes` when none is. Bounded: one append makes room for itself, and no entry is smaller than 64 bytes.
local function make_room(entries, bytes, most)
  for _ = 1, 4096 do
    local oldest = redis.call('XRANGE', entries, '-', '+', 'COUNT', 1)[1]
    if not oldest then return bytes end
    local before = tonumber(oldest[2][4]) - #oldest[2][6]
    if bytes - before <= most then return before end
    redis.call('XDEL', entries, oldest[1])
  end
  return 0
end

local function append(entry)
  local entries, record, body = KEYS[entry.kEntries], KEYS[entry.kRecord], ARGV[entry.bBody]
  last = math.max(microseconds(), last + 1)
  local number = text(last)
  local kept = redis.call('HMGET', record, 'last', 'bytes', 'dropped')
  local previous, bytes, dropped = kept[1] or '0', tonumber(kept[2] or 0) + #body, tonumber(kept[3] or 0)
  redis.call('XADD', entries, 'MAXLEN', entry.entries, number .. '-0', 'previous', previous, 'bytes', text(bytes), 'body', body)
  if bytes - dropped > entry.bytes then dropped = make_room(entries, bytes, entry.bytes) end
  redis.call('HSET', record, 'last', number, 'bytes', text(bytes), 'dropped', text(dropped))
  redis.call('PEXPIRE', record, day)
  redis.call('PEXPIRE', entries, entry.idleMs)
  redis.call('PUBLISH', ARGV[entry.bChannel], epoch .. ' ' .. number .. ' ' .. previous .. ' ' .. body)
  return number
end

for _, put in ipairs(plan.put) do
  redis.call('HSET', KEYS[put.k], 'rev', put.rev, 'body', ARGV[put.bBody])
  redis.call('PEXPIRE', KEYS[put.k], put.ttlMs)
  for _, live in ipairs(put.live) do
    if live.listed then redis.call('HSET', KEYS[live.k], put.id, ARGV[put.bBody]) else redis.call('HDEL', KEYS[live.k], put.id) end
  end
end

for _, row in ipairs(plan.rows) do
  local list, bodies = KEYS[row.kList], KEYS[row.kRows]
  redis.call('ZADD', list, row.at, row.id)
  redis.call('HSET', bodies, row.id, ARGV[row.bBody])
  local old = redis.call('ZRANGEBYSCORE', list, '-inf', row.at - row.keepMs, 'LIMIT', 0, 100)
  for _, id in ipairs(redis.call('ZRANGE', list, 0, -row.keepRows - 1)) do old[#old + 1] = id end
  for _, id in ipairs(old) do
    redis.call('ZREM', list, id)
    redis.call('HDEL', bodies, id)
  end
  redis.call('PEXPIRE', list, row.keepMs)
  redis.call('PEXPIRE', bodies, row.keepMs)
end

for _, timer in ipairs(plan.timers) do
  if timer.at then redis.call('ZADD', KEYS[2], timer.at, timer.id) else redis.call('ZREM', KEYS[2], timer.id) end
end

local function set_access(access, change)
  local since = change.ifSince and string.match(redis.call('HGET', access, change.field) or '', '^%d*')
  if since ~= change.ifSince then return end
  if change.bValue then redis.call('HSET', access, change.field, text(last) .. ' ' .. ARGV[change.bValue])
  else redis.call('HDEL', access, change.field) end
end

-- After all that could fail on a key of the wrong type: what is published cannot be taken back.
local numbers = { 'DONE' }
for i, entry in ipairs(plan.append) do numbers[i + 1] = append(entry) end
if #plan.append > 0 then redis.call('HSET', KEYS[1], 'last', text(last)) end

for _, change in ipairs(plan.access) do set_access(KEYS[change.k], change) end

if plan.key then
  redis.call('HSET', KEYS[plan.key.k], 'fingerprint', plan.key.fingerprint, 'result', ARGV[plan.key.bResult])
  redis.call('PEXPIRE', KEYS[plan.key.k], plan.key.ttlMs)
end
return numbers
