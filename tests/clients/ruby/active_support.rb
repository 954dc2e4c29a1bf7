# Rails' cache store.
#
# client: Rails' RedisCacheStore
# packages: ruby ruby-redis ruby-activesupport
require 'active_support'
require 'active_support/cache'
require 'active_support/cache/redis_cache_store'
require 'active_support/notifications'

URL = "redis://#{ENV.fetch('ZSCACHE_HOST')}:#{ENV.fetch('ZSCACHE_PORT')}/1".freeze

def same(wanted, got)
  raise "wanted #{wanted.inspect}, got #{got.inspect}" unless wanted == got
end

def truthy(got)
  raise 'wanted something true' unless got
end

def control(action)
  system(ENV.fetch('ZSCACHE_CONTROL'), action, out: File::NULL) or raise 'the runner did not do it'
end

# By default the store treats errors as misses; here only where the server is known to be away.
def store(**options)
  handler = ->(exception:, **) { raise exception }
  ActiveSupport::Cache::RedisCacheStore.new(url: URL, error_handler: handler, **options)
end

def reading_and_writing(cache)
  truthy cache.write('greeting', 'text' => 'hello ü', 'at' => Time.at(0))
  same({ 'text' => 'hello ü', 'at' => Time.at(0) }, cache.read('greeting'))
  same nil, cache.read('nobody')
  same true, cache.exist?('greeting')
  truthy cache.delete('greeting')
  same false, cache.exist?('greeting')
  cache.write('long', 'x' * 1_000_000)
  same 1_000_000, cache.read('long').size
  same true, cache.write('once', 1, unless_exist: true)
  same false, cache.write('once', 2, unless_exist: true)
  cache.write('raw', "\0\xff".b, raw: true)
  same "\0\xff".b, cache.read('raw', raw: true).b
end

def fetching(cache)
  calls = 0
  3.times { same 'made', cache.fetch('fetched') { calls += 1; 'made' } }
  same 1, calls
  same 'again', cache.fetch('fetched', force: true) { 'again' }
  same nil, cache.fetch('nothing', skip_nil: true) { nil }
  same false, cache.exist?('nothing')
  cache.write('versioned', 'old', version: 1)
  same nil, cache.read('versioned', version: 2)
end

def many(cache)
  cache.write_multi({ 'm1' => 1, 'm2' => 2 }, expires_in: 60)
  same({ 'm1' => 1, 'm2' => 2 }, cache.read_multi('m1', 'm2', 'm3'))
  same({ 'm2' => 2, 'm3' => 'm3!' }, cache.fetch_multi('m2', 'm3') { |key| "#{key}!" })
  same 2, cache.delete_multi(%w[m1 m2])
  100.times { |i| cache.write("views/#{i}", i) }
  cache.delete_matched('views/1*')
  same 89, (0..99).count { |i| cache.exist?("views/#{i}") }
end

def counting(cache)
  same 5, cache.increment('count', 5, expires_in: 60)
  same 4, cache.decrement('count')
  same '4', cache.read('count', raw: true)
  raise 'ttl' unless cache.redis.ttl('count').between?(59, 60)
end

# One process makes the new value while others are still served the old one.
def races(cache)
  cache.write('hot', 'old', expires_in: 0.1, race_condition_ttl: 10)
  sleep 0.15
  value = cache.fetch('hot', race_condition_ttl: 10, expires_in: 60) do
    same 'old', cache.fetch('hot', race_condition_ttl: 10) { raise 'made twice' }
    'new'
  end
  same 'new', value
  cache.write('brief', 'x', expires_in: 0.05)
  sleep 0.1
  same nil, cache.read('brief')
end

# With the default handler a server that is away means misses, and nothing else.
def reconnects
  cache = ActiveSupport::Cache::RedisCacheStore.new(url: URL, reconnect_attempts: 1)
  cache.write('kept', 1)
  control('restart')
  same nil, cache.read('kept')
  control('stop')
  same nil, cache.read('kept')
  same 'made', cache.fetch('kept') { 'made' }
  control('start')
  same 'made', cache.fetch('kept') { 'made' }
  same 'made', cache.read('kept')
end

puts "version: ActiveSupport #{ActiveSupport::VERSION::STRING}, redis-rb #{Redis::VERSION} (Ruby #{RUBY_VERSION})"
cache = store
reading_and_writing(cache)
fetching(cache)
many(cache)
counting(cache)
races(cache)
spaced = store(namespace: 'app')
spaced.write('key', 1)
cache.write('key', 2)
spaced.clear
same [nil, 2], [spaced.read('key'), cache.read('key')]
cache.clear
same nil, cache.read('key')
reconnects
