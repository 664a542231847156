-- Registers a socket and reads its topics, in one cut. See Store.open in src/signaling/ports.ts.
-- KEYS[1] log  KEYS[2] access, [3] sockets, [4] live of the user  KEYS[5] owner of the socket  KEYS[6] graces
-- KEYS[7] nodes  KEYS[8] sockets, [9] counts of this node  KEYS[10..n] entries and record of each topic
-- ARGV[1..3] see sequence.lua  ARGV[4] the plan as JSON  ARGV[5] the socket's record  ARGV[6..n] values of access fields
-- Returns { 'DONE', epoch, number, user: see user.lua, tooMuch, topics: see topics.lua }
--       | { 'TAKEN' } | { 'STALE_PRIMARY', run }
local plan = cjson.decode(ARGV[4])

local present = registered(KEYS[3], plan.socketId)
local is_over = present and present.ended > 0 and present.ended <= plan.graceBegan
if present and present.generation > plan.replaces and not is_over then return { 'TAKEN' } end

cut()
local topics, too_much = read_topics(plan.reading, 10)

for _, change in ipairs(plan.access) do
  if change.bValue then redis.call('HSET', KEYS[2], change.field, text(last) .. ' ' .. ARGV[change.bValue])
  else redis.call('HDEL', KEYS[2], change.field) end
end
local socket = { node = plan.node, generation = plan.generation, ended = 0, record = ARGV[5] }
register(KEYS[3], KEYS[5], plan.socketId, plan.uid, socket)
if present then redis.call('ZREM', KEYS[6], plan.socketId .. ' ' .. plan.uid) end
redis.call('HSET', KEYS[8], plan.socketId, plan.uid)
set_counts(KEYS[9], plan.counts)

local user = read_user(KEYS[2], KEYS[3], KEYS[4], KEYS[7], text(plan.graceBegan))
return { 'DONE', epoch, text(last), user, too_much, topics }
