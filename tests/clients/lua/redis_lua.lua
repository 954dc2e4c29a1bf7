-- redis-lua, as in scripts of servers that embed Lua.
--
-- client: redis-lua
-- packages: lua5.1 lua-redis
local redis = require 'redis'

local host, port = os.getenv('ZSCACHE_HOST'), tonumber(os.getenv('ZSCACHE_PORT'))
local binary = {}
for i = 0, 255 do binary[#binary + 1] = string.char(i) end
binary = table.concat(binary):rep(50)

local function same(wanted, got)
  if wanted ~= got then
    error(('wanted %s, got %s'):format(tostring(wanted), tostring(got)), 2)
  end
end

local function control(action)
  assert(os.execute(os.getenv('ZSCACHE_CONTROL') .. ' ' .. action .. ' >/dev/null') == 0)
end

local function strings(client)
  same(true, client:ping())
  same(true, client:set('name', 'zscache'))
  same('zscache', client:get('name'))
  same(nil, client:get('nobody'))
  client:set('binary', binary)
  same(binary, client:get('binary'))
  client:mset({ a = 1, b = 2 })
  local values = client:mget('a', 'b')
  same('12', values[1] .. values[2])
  same(42, client:incrby('n', 42))
  client:setex('k', 100, 'v')
  assert(client:ttl('k') >= 99)
  same(true, client:setnx('lock', 'mine'))
  same(false, client:setnx('lock', 'yours'))
  same(true, client:exists('lock'))
  same(1, client:del('lock'))
  local fine, message = pcall(client.lpush, client, 'list', 'item')
  same(false, fine)
  assert(tostring(message):find('unknown command'))
end

local function hashes(client)
  client:hmset('user:1', { name = 'Ada', visits = 1 })
  local user = client:hgetall('user:1')
  same('Ada', user.name)
  same('1', user.visits)
  same(3, client:hincrby('user:1', 'visits', 2))
end

local function pipelines(client)
  local replies = client:pipeline(function(p)
    for i = 1, 1000 do
      p:set('p:' .. i, i)
      p:get('p:' .. i)
    end
  end)
  for i = 1, 1000 do same(tostring(i), replies[2 * i]) end
end

local function databases(client)
  local other = redis.connect(host, port)
  other:select(3)
  other:set('name', 'another')
  same('zscache', client:get('name'))
  other:flushdb()
  same(0, other:dbsize())
  assert(tonumber(client:info().memory.maxmemory) > 0)
end

-- With a password, until the next restart.
local function password(client)
  client:config('set', 'requirepass', 'secret')
  local other = redis.connect(host, port)
  same(false, (pcall(other.get, other, 'k')))
  other:auth('secret')
  same(true, other:set('k', 'v'))
end

print('version: redis-lua ' .. redis._VERSION:match('[%d.]+.*') .. ' (' .. _VERSION .. ')')
local client = redis.connect(host, port)
strings(client)
hashes(client)
pipelines(client)
databases(client)
password(client)
control('restart')
same(false, (pcall(client.get, client, 'name')))
client = redis.connect(host, port)
same(nil, client:get('name'))
same(true, client:set('name', 'again'))
