-- KEYS: form, transaction
local form, txn = KEYS[1], KEYS[2]
local browsers, browser, decision, location, state, record = unpack(ARGV, 1, 6)
local lives, remembered = tonumber(ARGV[7]), tonumber(ARGV[8])

local first = redis.call('HMGET', form, 'browser', 'decision', 'location')
if first[1] then
  local untaken = first[2] == 'deny' or redis.call('HGET', txn, 'outcome') == ''
  if untaken and among(browsers, first[1]) and first[2] == decision then
    return {'repeated', first[3]}
  end
  return {'refused', ''}
end

redis.call('HSET', form, 'browser', browser, 'decision', decision, 'location', location)
redis.call('EXPIRE', form, remembered)
if record ~= '' then
  redis.call('HSET', txn, 'browser', browser, 'state', state, 'record', record, 'outcome', '')
  redis.call('EXPIRE', txn, lives)
end
return {'fresh', ''}
