-- KEYS: grant, family
local grant, family, tombstone = KEYS[1], KEYS[2], tonumber(ARGV[1])
local record, checked_at, upstream = unpack(
  redis.call('HMGET', grant, 'record', 'checked_at', 'upstream'))
if not record then
  return {'', '', ''}
end
redis.call('HSET', grant, 'state', 'dead')
redis.call('HDEL', grant, 'upstream')
redis.call('DEL', family)
if redis.call('TTL', grant) > tombstone then
  redis.call('EXPIRE', grant, tombstone)
end
return {record, checked_at, upstream}
