-- Puts sockets in grace. See Store.close in src/signaling/ports.ts.
-- KEYS[1] sockets, [2] counts of this node  KEYS[3] graces  KEYS[4..n] sockets, owner and departures of each socket's user
-- ARGV[1] the plan as JSON  ARGV[2..n] the departures, as JSON
local plan = cjson.decode(ARGV[1])

for i, departure in ipairs(plan.departures) do
  local sockets, owner, departures = KEYS[3 * i + 1], KEYS[3 * i + 2], KEYS[3 * i + 3]
  local socket = registered(sockets, departure.socketId)
  local is_here = socket and socket.node == plan.node and socket.generation > departure.generation
  if not is_here then redis.call('HDEL', KEYS[1], departure.socketId) end
  if socket and socket.generation <= departure.generation then
    socket.ended = departure.ended
    register(sockets, owner, departure.socketId, departure.uid, socket)
    redis.call('ZADD', KEYS[3], departure.ended, departure.socketId .. ' ' .. departure.uid)
  end
  if departure.isMissed then
    redis.call('HSET', departures, departure.deviceId, ARGV[i + 1])
    redis.call('PEXPIRE', departures, plan.departureMs)
  end
end
set_counts(KEYS[2], plan.counts)
return { 'DONE' }
