"""Who may begin, and where: one script over what all processes say of themselves, in one go.

The invariant: only its own process changes what a process has at work, what it sends to others, and what waits there. So whoever dies, or is told
nothing, takes nothing along: the keys of a process go with its lease, and the next call says all anew.
"""

from agent.redis.client import Script

PLACES = Script(
    """
-- KEYS: the set of workers; all other keys begin with it. ARGV: the worker, whether it tells all anew, how long it and those who
-- wait at it are known in ms, its places, how many are in use, for whom it works ('all', 'own' where nobody else does, 'none'),
-- the ids of the keys that it opens and of the one it seals with, how many may be at work of a tenant and of a user, the
-- tenant without users, then kind, tenant, user and change of each: 'a' at work, 'w' waiting, 'd' on its way to worker `tenant`,
-- 's' worker `tenant` did not answer, and is passed over until it says something again.
local all, me = KEYS[1], ARGV[1]
local most_of_tenant, most_of_user, public = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12]
local MOST_LOOKS, MOST_SERVED = 20000, 10000
local function at(worker) return all .. ':at:' .. worker end
local function queue(worker) return all .. ':for:' .. worker end
local function add(key, field, change)
  if redis.call('HINCRBY', key, field, change) == 0 then redis.call('HDEL', key, field) end
end
if ARGV[2] == '1' then
  redis.call('DEL', at(me), queue(me))
  redis.call('HSET', queue(me), '', '0 0')  -- a key without fields is none, and would be taken for one that was forgotten
elseif redis.call('EXISTS', at(me), queue(me)) < 2 then
  return {'again'}
end
redis.call('SADD', all, me)
redis.call('HSET', at(me), 'most', ARGV[5], 'inside', ARGV[6], 'works', ARGV[7], 'opens', ARGV[8], 'seals', ARGV[9],
  'heard', redis.call('INCR', all .. ':clock'))
for i = 13, #ARGV, 4 do
  local kind, tenant, user, change = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  if kind == 'a' then
    add(at(me), 't' .. tenant, change)
    add(at(me), 'u' .. tenant .. '\\0' .. user, change)
  elseif kind == 'd' then
    add(at(me), 'd' .. tenant, change)
  elseif kind == 's' then
    local heard = redis.call('HGET', at(tenant), 'heard')
    if heard then redis.call('HSET', all .. ':silent', tenant, heard) end
  else
    local field = tenant .. '\\0' .. user
    local count, since = string.match(redis.call('HGET', queue(me), field) or '', '^(%d+) (%d+)$')
    count = tonumber(count or 0) + change
    if count <= 0 then redis.call('HDEL', queue(me), field)
    else redis.call('HSET', queue(me), field, count .. ' ' .. (since or redis.call('INCR', all .. ':clock'))) end
  end
end
redis.call('PEXPIRE', at(me), ARGV[3])
redis.call('PEXPIRE', queue(me), redis.call('HLEN', queue(me)) > 1 and ARGV[4] or ARGV[3])

local names, fields = redis.call('SMEMBERS', all), {'most', 'inside', 'works', 'opens', 'seals', 'heard'}
table.sort(names)
for _, name in ipairs(names) do fields[#fields + 1] = 'd' .. name end
local workers, on_their_way, working, has_room = {}, {}, 0, false
local silent = redis.call('HMGET', all .. ':silent', unpack(names))
for number, name in ipairs(names) do
  local said = redis.call('HMGET', at(name), unpack(fields))
  if said[1] then
    local is_silent = silent[number] and silent[number] == said[6]
    workers[#workers + 1] = {
      name = name, room = tonumber(said[1]) - tonumber(said[2]), works = said[3], opens = said[4], seals = said[5],
      is_silent = is_silent
    }
    if said[3] == 'all' and not is_silent then working = working + 1 end
    for i = 7, #fields do on_their_way[fields[i]] = (on_their_way[fields[i]] or 0) + tonumber(said[i] or 0) end
  else
    redis.call('SREM', all, name)
    redis.call('HDEL', all .. ':silent', name)
  end
end
for _, worker in ipairs(workers) do
  worker.room = worker.room - on_their_way['d' .. worker.name]
  if worker.room > 0 and worker.works ~= 'none' then has_room = true end
end

local counts = {}
local function count(field)
  if not counts[field] then
    local sum = 0
    for _, worker in ipairs(workers) do sum = sum + tonumber(redis.call('HGET', at(worker.name), field) or 0) end
    counts[field] = sum
  end
  return counts[field]
end
local served = {}
local function last_served(field)
  if not served[field] then served[field] = tonumber(redis.call('HGET', all .. ':served', field) or 0) end
  return served[field]
end
local waiting, others = {}, {}
for _, worker in ipairs(workers) do
  local fields = redis.call('HGETALL', queue(worker.name))
  for i = 1, #fields, 2 do
    local cut = string.find(fields[i], '\\0', 1, true)
    local number, since = string.match(fields[i + 1], '^(%d+) (%d+)$')
    if cut then
      waiting[#waiting + 1] = {
        at = worker, field = fields[i], tenant = string.sub(fields[i], 1, cut - 1), user = string.sub(fields[i], cut + 1),
        count = tonumber(number), since = tonumber(since)
      }
      local one = waiting[#waiting]
      one.by_tenant, one.by_user = 't' .. one.tenant, 'u' .. one.field
      if worker.name ~= me then
        for _, name in ipairs({one.by_tenant, one.by_user}) do others[name] = (others[name] or 0) + one.count end
      end
    end
  end
end
local elsewhere = {}
for i = 13, #ARGV, 4 do
  if ARGV[i] == 'w' and tonumber(ARGV[i + 3]) > 0 then
    local of_tenant, of_user = 't' .. ARGV[i + 1], 'u' .. ARGV[i + 1] .. '\\0' .. ARGV[i + 2]
    for _, one in ipairs({ARGV[i + 1], ARGV[i + 2], others[of_tenant] or 0, others[of_user] or 0}) do
      elsewhere[#elsewhere + 1] = one
    end
  end
end
local function may(one)
  return one.count > 0 and count(one.by_tenant) < most_of_tenant
    and (one.tenant == public or count(one.by_user) < most_of_user)
end
local function place_elsewhere(own)
  local best
  for _, other in ipairs(workers) do
    if other ~= own and other.works == 'all' and other.room > 0 and not other.is_silent and own.seals ~= ''
      and string.find(other.opens, own.seals, 1, true) and (not best or other.room > best.room) then best = other end
  end
  return best
end
local function place_for(one)
  local own = one.at
  if own.works == 'all' and own.room > 0 then return own end
  local best = place_elsewhere(own)
  if not best and own.works == 'own' and own.room > 0 then return own end
  return best
end
local function differs(field, other)
  local mine, its = count(field), count(other)
  if mine == its then mine, its = last_served(field), last_served(other) end
  if mine ~= its then return mine < its and -1 or 1 end
  return 0
end
local function is_before(one, other)
  local found = one.by_tenant ~= other.by_tenant and differs(one.by_tenant, other.by_tenant) or 0
  if found == 0 and one.by_user ~= other.by_user then found = differs(one.by_user, other.by_user) end
  if found ~= 0 then return found < 0 end
  return one.since < other.since
end

local granted, woken, given = {}, {}, 0
local most_given = math.max(16, math.floor(MOST_LOOKS / math.max(1, #waiting)))
while #waiting > 0 and given < most_given and has_room do
  local best, place
  for _, one in ipairs(waiting) do
    if may(one) then
      local found = place_for(one)
      if found and (not best or is_before(one, best)) then best, place = one, found end
    end
  end
  if not best then break end
  given = given + 1
  best.count = best.count - 1
  place.room = place.room - 1
  for _, field in ipairs({best.by_tenant, best.by_user}) do
    counts[field] = count(field) + 1
    if best.at.name == me then add(at(me), field, 1) end
    if #waiting > 1 or best.count > 0 then
      served[field] = redis.call('INCR', all .. ':clock')
      if best.at.name == me then redis.call('HSET', all .. ':served', field, served[field]) end
    end
  end
  if best.at.name == me then
    if place.name == me then redis.call('HINCRBY', at(me), 'inside', 1) else add(at(me), 'd' .. place.name, 1) end
    if best.count == 0 then redis.call('HDEL', queue(me), best.field)
    else redis.call('HSET', queue(me), best.field, best.count .. ' ' .. best.since) end
    granted[#granted + 1] = best.tenant
    granted[#granted + 1] = best.user
    granted[#granted + 1] = place.name
  elseif not woken[best.at.name] then
    woken[best.at.name] = true
    redis.call('PUBLISH', all, best.at.name)
  end
end
for _, key in ipairs({'', ':served', ':clock', ':silent'}) do redis.call('PEXPIRE', all .. key, 600000) end
if redis.call('HLEN', all .. ':served') > MOST_SERVED then redis.call('DEL', all .. ':served') end
local is_alone = 1
for _, worker in ipairs(workers) do
  if worker.name == me and place_elsewhere(worker) then is_alone = 0 end
end
local more = given == most_given and #granted > 0 and 1 or 0
return {'told', #workers, working, is_alone, more, granted, elsewhere}
"""
)
