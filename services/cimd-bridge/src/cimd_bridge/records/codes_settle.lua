-- KEYS: code, grant. From here on the answer is out: whoever comes with the code again replays it.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('HSET', KEYS[1], 'answered', '1')
end
local state, live_until = unpack(redis.call('HMGET', KEYS[2], 'state', 'live_until'))
if state == 'live' and tonumber(ARGV[1]) < tonumber(live_until or '0') then
  return {'1'}
end
return {'0'}
