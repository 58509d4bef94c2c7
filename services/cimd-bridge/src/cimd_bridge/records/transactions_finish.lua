-- KEYS: transaction. Only a tombstone learns an outcome: nothing is brought back to life.
local outcome = redis.call('HGET', KEYS[1], 'outcome')
if outcome and outcome ~= '' then
  redis.call('HSET', KEYS[1], 'outcome', ARGV[1])
  return {'1'}
end
return {'0'}
