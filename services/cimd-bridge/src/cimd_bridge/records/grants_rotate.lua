-- KEYS: grant, family. In mode `inspect` nothing is written.
local grant, family = KEYS[1], KEYS[2]
local mode, tokens, clients = ARGV[1], ARGV[2], ARGV[3]
local now, grace, idle = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local new, sealed_new = ARGV[7], ARGV[8]

local state, client, record, checked_at, live_until, ends_at = unpack(
  redis.call('HMGET', grant, 'state', 'client', 'record', 'checked_at', 'live_until', 'ends_at'))
if not record then
  return {'unknown', '', '', ''}
elseif not among(clients, client) then
  return {'wrong_client', '', '', ''}
elseif state == 'dead' then
  return {'reused', record, checked_at, ''}
elseif now >= tonumber(live_until) then
  return {'expired', '', '', ''}
end

local current, previous, rotated_at, successor = unpack(
  redis.call('HMGET', family, 'current', 'previous', 'rotated_at', 'successor'))
if among(tokens, current) then
  if mode == 'inspect' then
    return {'newest', record, checked_at, ''}
  end
  live_until = math.min(now + idle, tonumber(ends_at))
  local seconds = math.max(1, live_until - now)
  redis.call('HSET', family,
    'current', new, 'previous', current, 'rotated_at', now, 'successor', sealed_new)
  redis.call('EXPIRE', family, seconds)
  redis.call('HSET', grant, 'live_until', live_until)
  redis.call('EXPIRE', grant, seconds)
  return {'newest', record, checked_at, ''}
end
if among(tokens, previous) and now - tonumber(rotated_at) <= grace then
  return {'grace', record, checked_at, successor}
end
if mode == 'rotate' then
  -- The tombstone stays; what the identity provider gave us stays too, until `revoke` hands it out.
  redis.call('HSET', grant, 'state', 'dead')
  redis.call('DEL', family)
end
return {'reused', record, checked_at, ''}
