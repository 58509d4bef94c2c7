-- KEYS: grant, code
local client, record, upstream = ARGV[1], ARGV[2], ARGV[3]
local checked_at, live_until, ends_at, pending_seconds = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local secret, redirect, challenge, resource = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local expires_at, code_seconds = ARGV[12], ARGV[13]

redis.call('HSET', KEYS[1],
  'state', 'pending', 'client', client, 'record', record, 'upstream', upstream,
  'checked_at', checked_at, 'live_until', live_until, 'ends_at', ends_at)
redis.call('EXPIRE', KEYS[1], pending_seconds)
redis.call('HSET', KEYS[2],
  'secret', secret, 'redirect', redirect, 'challenge', challenge, 'resource', resource,
  'expires_at', expires_at, 'spent_by', '')
redis.call('EXPIRE', KEYS[2], code_seconds)
return {'1'}
