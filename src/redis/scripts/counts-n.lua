-- Which nodes are alive, and what some of them count. See Store.counts in src/signaling/ports.ts.
-- KEYS[1] nodes  KEYS[2..n] counts of a node each
-- ARGV[1] the time  ARGV[2..n] hubs
-- Returns { { node… }, { count or nil… }… }
local found = { redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[1], '+inf') }
for i = 2, #KEYS do found[i] = redis.call('HMGET', KEYS[i], unpack(ARGV, 2)) end
return found
