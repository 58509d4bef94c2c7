-- KEYS: the key set. Compare and set: '' stands for "there is none yet".
local version = redis.call('HGET', KEYS[1], 'version') or ''
if version ~= ARGV[1] then
  return {'0'}
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'sealed', ARGV[3])
return {'1'}
