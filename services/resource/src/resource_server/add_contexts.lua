-- Add contexts to a user's list, unless that would be too many.
-- KEYS: items (hash), order (sorted set), count (how many were ever added)
-- ARGV: the most a user may have, "1" to add only when nothing was ever added, then id and JSON in turn
-- Returns 1 when they were added, else 0.
if ARGV[2] == "1" and redis.call("EXISTS", KEYS[3]) == 1 then
  return 0
end
if redis.call("ZCARD", KEYS[2]) + (#ARGV - 2) / 2 > tonumber(ARGV[1]) then
  return 0
end
for index = 3, #ARGV, 2 do
  local position = redis.call("INCR", KEYS[3])
  redis.call("HSET", KEYS[1], ARGV[index], ARGV[index + 1])
  redis.call("ZADD", KEYS[2], position, ARGV[index])
end
return 1
