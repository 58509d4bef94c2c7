-- KEYS: form, transaction
local form, txn = KEYS[1], KEYS[2]
local states, browsers, tombstone = ARGV[1], ARGV[2], tonumber(ARGV[3])

local known = redis.call('HMGET', txn, 'state', 'browser', 'outcome', 'record')
if not among(states, known[1]) then
  return {'unknown', ''}
end
if not among(browsers, known[2]) then
  return {'wrong_browser', ''}
end
if known[3] ~= '' then
  return {'already_completed', known[3]}
end

redis.call('HSET', txn, 'outcome', 'under_way')
redis.call('HDEL', txn, 'record')
redis.call('EXPIRE', txn, tombstone)
redis.call('HDEL', form, 'location')
return {'taken', known[4]}
