-- Put before scripts that change the register of sockets. A socket is registered in the hash of its user as the text
-- `node generation ended record`: `ended` in milliseconds, 0 while it is connected. Beside it: the owner of each socket
-- as `node ended uid`, the sockets connected to each node, and those in grace by when they ended.
local function registered(sockets, id)
  local text = redis.call('HGET', sockets, id)
  if not text then return nil end
  local node, generation, ended, record = string.match(text, '^(%S+) (%d+) (%d+) (.*)$')
  return { node = node, generation = tonumber(generation), ended = tonumber(ended), record = record }
end

local function register(sockets, owner, id, uid, socket)
  local ended = string.format('%.0f', socket.ended)
  redis.call('HSET', sockets, id, socket.node .. ' ' .. socket.generation .. ' ' .. ended .. ' ' .. socket.record)
  redis.call('SET', owner, socket.node .. ' ' .. ended .. ' ' .. uid)
end

local function set_counts(key, counts)
  for hub, count in pairs(counts) do
    -- A hub that nobody listens to any more leaves no field behind.
    if count > 0 then redis.call('HSET', key, hub, count) else redis.call('HDEL', key, hub) end
  end
end
