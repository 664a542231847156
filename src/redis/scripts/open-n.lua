-- Registers a socket and reads its topics, in one cut. See Store.open in src/signaling/ports.ts.
-- KEYS[1] log  KEYS[2] access, [3] sockets, [4] live of the user  KEYS[5] owner of the socket
-- KEYS[6] nodes  KEYS[7] sockets, [8] counts of this node  KEYS[9..n] entries and record of each topic
-- ARGV[1..3] see sequence.lua  ARGV[4] the plan as JSON  ARGV[5] the socket's record  ARGV[6..n] values of access fields
-- Returns { 'DONE', epoch, number, access, sockets, live, nodes, tooMuch, { last, { { id, fields }… } }… }
--       | { 'STALE_PRIMARY', run }
local plan = cjson.decode(ARGV[4])

-- The cut: whatever is committed later gets a number above it.
last = math.max(microseconds(), last)
redis.call('HSET', KEYS[1], 'last', text(last))

local left, bytes_left = plan.limit.entries, plan.limit.bytes
local function read(entries, after)
  local found = redis.call('XRANGE', entries, '(' .. after .. '-0', '+', 'COUNT', left + 1)
  left = left - #found
  for _, entry in ipairs(found) do bytes_left = bytes_left - #entry[2][6] end
  return found
end

local topics = {}
for i, after in ipairs(plan.after) do
  local entries, record = KEYS[7 + 2 * i], KEYS[8 + 2 * i]
  local wanted = plan.epoch == epoch and left >= 0 and bytes_left >= 0
  topics[i] = { redis.call('HGET', record, 'last') or '0', wanted and read(entries, after) or {} }
end

for _, change in ipairs(plan.access) do
  if change.bValue then redis.call('HSET', KEYS[2], change.field, text(last) .. ' ' .. ARGV[change.bValue])
  else redis.call('HDEL', KEYS[2], change.field) end
end
redis.call('HSET', KEYS[3], plan.socketId, ARGV[5])
redis.call('SET', KEYS[5], plan.node .. ' ' .. plan.uid)
redis.call('HSET', KEYS[7], plan.socketId, plan.uid)
for hub, count in pairs(plan.counts) do redis.call('HSET', KEYS[8], hub, count) end

local too_much = left < 0 or bytes_left < 0
if too_much then for _, topic in ipairs(topics) do topic[2] = {} end end
local nodes = redis.call('ZRANGEBYSCORE', KEYS[6], '(' .. text(plan.now), '+inf')
local opened = { redis.call('HGETALL', KEYS[2]), redis.call('HVALS', KEYS[3]), redis.call('HVALS', KEYS[4]) }
return { 'DONE', epoch, text(last), opened[1], opened[2], opened[3], nodes, too_much and 1 or 0, topics }
