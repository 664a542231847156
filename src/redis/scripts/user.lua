-- Put before scripts that read what is known of a user.
-- Returns { access, flat }, { registered sockets }, { live documents }, { nodes and the ends of their leases, flat }
local function read_user(access, sockets, live, nodes, grace_began)
  local leases = redis.call('ZRANGEBYSCORE', nodes, '(' .. grace_began, '+inf', 'WITHSCORES')
  return { redis.call('HGETALL', access), redis.call('HVALS', sockets), redis.call('HVALS', live), leases }
end
