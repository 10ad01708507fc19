"""The scripts, each of which Redis executes in one go. An append that fails publishes nothing."""

from agent.redis.client import Script

APPEND = Script(
    """
-- KEYS: the stream. ARGV: its channel, how long it is kept in ms, the writer, its attempt, what it wrote last ('' at first),
-- from which id on entries are kept ('' for all), then kind, id and content of each entry.
local key, channel, writer, attempt, before = KEYS[1], ARGV[1], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1]
local last, is_gone = '', false
if newest then
  local kind = newest[2][3]
  is_gone = kind == 'g'
  if not is_gone then
    last = newest[1]
    if newest[2][2] == writer then
      if last ~= before then return {'behind', last} end
    elseif kind == 'c' or tonumber(string.match(last, '^(%d+)-')) >= attempt then
      return {'stale', last}
    elseif before ~= '' then
      return {'lost', last}
    end
  end
end
if not newest and before ~= '' then return {'lost', ''} end
if is_gone then last = before end
for i = 7, #ARGV, 3 do
  local kind, id, content = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not is_gone then redis.call('XADD', key, id, 'w', writer, kind, content) end
  if last == '' then last = '0-0' end
  redis.call('PUBLISH', channel, last .. ' ' .. id .. ' ' .. kind .. ' ' .. content)
  last = id
end
if is_gone then return 1 end
redis.call('PEXPIRE', key, ARGV[2])
if ARGV[6] ~= '' then redis.call('XTRIM', key, 'MINID', ARGV[6]) end
return 1
"""
)

FORGET = Script(
    """
-- KEYS: the stream. ARGV: its channel, how long it is known in ms that the run is gone.
local key, last = KEYS[1], '18446744073709551615-1'
if redis.call('EXISTS', key) == 1 then
  redis.call('XTRIM', key, 'MAXLEN', 0)  -- no DEL: that would forget which attempt wrote
  redis.pcall('XADD', key, last, 'w', '', 'g', '')
  redis.call('PEXPIRE', key, ARGV[2])
end
redis.call('PUBLISH', ARGV[1], last .. ' ' .. last .. ' g ')
return 1
"""
)
