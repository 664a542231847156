-- Reads topics in one cut. See Store.read in src/signaling/ports.ts.
-- KEYS[1] log  KEYS[2..n] entries and record of each topic
-- ARGV[1..3] see sequence.lua  ARGV[4] what is to be read, as JSON
-- Returns { 'DONE', epoch, number, tooMuch, topics: see topics.lua } | { 'STALE_PRIMARY', run }
cut()
local topics, too_much = read_topics(cjson.decode(ARGV[4]), 2)
return { 'DONE', epoch, text(last), too_much, topics }
