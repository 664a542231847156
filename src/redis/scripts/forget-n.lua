-- Removes sockets whose grace is over from the register. See Store.sweep in src/signaling/ports.ts.
-- KEYS[1] graces  KEYS[2] sockets of the node that is dead  KEYS[3..n] sockets and owner of each socket
-- ARGV[1] when a grace began that is over now  ARGV[2] the dead node, or ''  ARGV[3..n] socket and user in turn
-- Returns the users who have no other socket
local gone = {}
for i = 1, (#KEYS - 2) / 2 do
  local sockets, owner, id, uid = KEYS[2 * i + 1], KEYS[2 * i + 2], ARGV[2 * i + 1], ARGV[2 * i + 2]
  local socket = registered(sockets, id)
  local is_over = socket and (socket.ended > 0 and socket.ended <= tonumber(ARGV[1]) or socket.ended == 0 and socket.node == ARGV[2])
  if is_over then
    redis.call('HDEL', sockets, id)
    redis.call('DEL', owner)
    if redis.call('HLEN', sockets) == 0 then gone[#gone + 1] = uid end
  end
  -- Taken up meanwhile, or closed again later: then it has a new place here, or none.
  if not socket or is_over then redis.call('ZREM', KEYS[1], id .. ' ' .. uid) end
  redis.call('HDEL', KEYS[2], id)
end
return gone
