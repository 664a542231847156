-- Registers a node's sockets again. See Store.reclaim in src/signaling/ports.ts.
-- KEYS[1] sockets, [2] counts of this node  KEYS[3] graces  KEYS[4..n] sockets and owner of each socket
-- ARGV[1] the plan as JSON  ARGV[2..n] the sockets' records
-- Returns the ids of those that were taken up by others
local plan = cjson.decode(ARGV[1])

local taken = {}
for i, claim in ipairs(plan.sockets) do
  local sockets, owner = KEYS[2 * i + 2], KEYS[2 * i + 3]
  local present = registered(sockets, claim.socketId)
  if present and present.generation > claim.generation then
    taken[#taken + 1] = claim.socketId
  else
    local socket = { node = plan.node, generation = claim.generation, ended = 0, record = ARGV[i + 1] }
    register(sockets, owner, claim.socketId, claim.uid, socket)
    redis.call('HSET', KEYS[1], claim.socketId, claim.uid)
    redis.call('ZREM', KEYS[3], claim.socketId .. ' ' .. claim.uid)
  end
end
set_counts(KEYS[2], plan.counts)
return taken
