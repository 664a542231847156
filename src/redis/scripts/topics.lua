-- Put before scripts that read topics in one cut. The entries and the record of each topic stand in KEYS from `first` on.
-- Returns { last, { { id, fields }… } }… and 1 when the entries were more than the limit, and are left out.
local function read_topics(reading, first)
  local left, bytes_left = reading.limit.entries, reading.limit.bytes
  local topics = {}
  for i, after in ipairs(reading.after) do
    local entries, record = KEYS[first + 2 * i - 2], KEYS[first + 2 * i - 1]
    local found = {}
    if reading.epoch == epoch and left >= 0 and bytes_left >= 0 then
      found = redis.call('XRANGE', entries, '(' .. after .. '-0', '+', 'COUNT', left + 1)
      left = left - #found
      for _, entry in ipairs(found) do bytes_left = bytes_left - #entry[2][6] end
    end
    topics[i] = { redis.call('HGET', record, 'last') or '0', found }
  end
  if left >= 0 and bytes_left >= 0 then return topics, 0 end
  for _, topic in ipairs(topics) do topic[2] = {} end
  return topics, 1
end

-- Moves the sequence to now: whatever is committed later gets a number above it.
local function cut()
  last = math.max(microseconds(), last)
  redis.call('HSET', KEYS[1], 'last', text(last))
end
