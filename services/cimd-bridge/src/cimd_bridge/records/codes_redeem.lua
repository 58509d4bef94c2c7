-- KEYS: code, grant, family
local code, grant, family = KEYS[1], KEYS[2], KEYS[3]
local secrets, clients, redirects, challenges, resources = unpack(ARGV, 1, 5)
local now, tombstone, lives = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local refresh, attempt = ARGV[9], ARGV[10]

local secret, redirect, challenge, resource, expires_at, spent_by, answered = unpack(redis.call(
  'HMGET', code, 'secret', 'redirect', 'challenge', 'resource', 'expires_at', 'spent_by', 'answered'))
local state, client, record, checked_at, ends_at = unpack(
  redis.call('HMGET', grant, 'state', 'client', 'record', 'checked_at', 'ends_at'))
if not record or not among(secrets, secret) then
  return {'unknown', '', ''}
end
if spent_by == '' and (state ~= 'pending' or now >= tonumber(expires_at)) then
  return {'unknown', '', ''}
end

if not among(clients, client) then
  return {'mismatch', 'client', ''}
elseif redirects ~= '' and not among(redirects, redirect) then
  return {'mismatch', 'redirect', ''}
elseif not among(challenges, challenge) then
  return {'mismatch', 'verifier', ''}
elseif resources ~= '' and not among(resources, resource) then
  return {'mismatch', 'resource', ''}
end

if spent_by == attempt then
  -- The connection broke after this very attempt had succeeded, and the client library sent it again.
  return {'redeemed', record, checked_at}
elseif spent_by ~= '' then
  return {answered == '1' and 'replayed' or 'under_way', record, checked_at}
end

redis.call('HSET', code, 'spent_by', attempt)
redis.call('EXPIRE', code, tombstone)
local live_until = math.min(now + lives, tonumber(ends_at))
local seconds = math.max(1, live_until - now)
redis.call('HSET', grant, 'state', 'live', 'live_until', live_until)
redis.call('EXPIRE', grant, seconds)
if refresh ~= '' then
  redis.call('HSET', family, 'current', refresh, 'previous', '', 'rotated_at', now, 'successor', '')
  redis.call('EXPIRE', family, seconds)
end
return {'redeemed', record, checked_at}
