# redis-rb, with its automatic reconnecting.
#
# client: redis-rb
# packages: ruby ruby-redis
require 'redis'

HOST = ENV.fetch('ZSCACHE_HOST')
PORT = Integer(ENV.fetch('ZSCACHE_PORT'))
BINARY = (0..255).map(&:chr).join.b * 50

def same(wanted, got)
  raise "wanted #{wanted.inspect}, got #{got.inspect}" unless wanted == got
end

def control(action)
  system(ENV.fetch('ZSCACHE_CONTROL'), action, out: File::NULL) or raise 'the runner did not do it'
end

def strings(redis)
  same 'PONG', redis.ping
  same 'OK', redis.set('name', 'zscache')
  same 'zscache', redis.get('name')
  same nil, redis.get('nobody')
  redis.set('binary', BINARY)
  same BINARY, redis.get('binary').b
  redis.mset('a', 1, 'b', 2)
  same({ 'a' => '1', 'nobody' => nil }, redis.mapped_mget('a', 'nobody'))
  same 42, redis.incrby('n', 42)
  same true, redis.set('lock', 'mine', nx: true, px: 30)
  same false, redis.set('lock', 'yours', nx: true, px: 30)
  sleep 0.05
  same false, redis.exists?('lock')
  redis.setex('k', 100, 'v')
  raise 'ttl' unless redis.ttl('k').between?(99, 100)
end

def hashes(redis)
  redis.mapped_hmset('user:1', 'name' => 'Ada', 'visits' => 1)
  same({ 'name' => 'Ada', 'visits' => '1' }, redis.hgetall('user:1'))
  same 3, redis.hincrby('user:1', 'visits', 2)
  begin
    redis.lpush('list', 'item')
    raise 'a list was made'
  rescue Redis::CommandError => e
    raise e unless e.message.include?('unknown command')
  end
end

def pipelines(redis)
  replies = redis.pipelined do |pipe|
    1000.times do |i|
      pipe.set("p:#{i}", i)
      pipe.get("p:#{i}")
    end
  end
  same((0..999).map(&:to_s), replies.each_slice(2).map(&:last))
  same 1000, redis.scan_each(match: 'p:*', count: 100).to_a.uniq.size
end

def databases(redis)
  other = Redis.new(host: HOST, port: PORT, db: 3, id: 'cache')
  other.set('name', 'another')
  same 'zscache', redis.get('name')
  same 'cache', other.call('CLIENT', 'GETNAME')
  other.flushdb
  same 0, other.dbsize
  raise 'info' unless redis.info['maxmemory'].to_i.positive?
end

# With a password, until the next restart.
def password(redis)
  redis.config(:set, 'requirepass', 'secret')
  begin
    Redis.new(host: HOST, port: PORT).get('k')
    raise 'a stranger came in'
  rescue Redis::CommandError => e
    raise e unless e.message.start_with?('NOAUTH')
  end
  same 'OK', Redis.new(url: "redis://:secret@#{HOST}:#{PORT}").set('k', 'v')
  same 'v', Redis.new(url: "redis://default:secret@#{HOST}:#{PORT}").get('k')
end

def reconnects(redis)
  control('restart')
  same nil, redis.get('name')
  control('stop')
  begin
    redis.get('name')
    raise 'there was a server'
  rescue Redis::BaseConnectionError
    control('start')
  end
  same 'OK', redis.set('name', 'again')
end

puts "version: redis-rb #{Redis::VERSION} (Ruby #{RUBY_VERSION})"
redis = Redis.new(host: HOST, port: PORT)
strings(redis)
hashes(redis)
pipelines(redis)
databases(redis)
password(redis)
reconnects(redis)
