-- KEYS: grant. A grant that ended meanwhile is not brought back to life.
local state = redis.call('HGET', KEYS[1], 'state')
if state ~= 'live' and state ~= 'pending' then
  return {'0'}
end
redis.call('HSET', KEYS[1], 'checked_at', ARGV[2])
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], 'upstream', ARGV[1])
end
return {'1'}
