-- Reads what is known of a user. See Store.user in src/signaling/ports.ts.
-- KEYS[1] access, [2] sockets, [3] live of the user  KEYS[4] nodes
-- ARGV[1] when a grace began that is over now
-- Returns what user.lua says
return read_user(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1])
