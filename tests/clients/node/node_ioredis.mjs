// What is tested with each major version of the package "ioredis".
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { announce, binary, control, eventually, host, port, sleep } from './support.mjs'

async function strings(redis) {
  assert.equal(await redis.set('name', 'zscache', 'EX', 100), 'OK')
  assert.equal(await redis.get('name'), 'zscache')
  await redis.set('binary', binary)
  assert.deepEqual(await redis.getBuffer('binary'), binary)
  assert.equal(await redis.get('nobody'), null)
  await redis.mset({ a: 1, b: 2 })
  assert.deepEqual(await redis.mget('a', 'nobody', 'b'), ['1', null, '2'])
  assert.equal(await redis.incrbyfloat('f', 1.5), '1.5')
  assert.equal(await redis.set('lock', 'mine', 'PX', 40, 'NX'), 'OK')
  assert.equal(await redis.set('lock', 'yours', 'PX', 40, 'NX'), null)
  await sleep(60)
  assert.equal(await redis.exists('lock'), 0)
  await redis.hset('user:1', { name: 'Ada', visits: 1 })
  assert.deepEqual({ ...(await redis.hgetall('user:1')) }, { name: 'Ada', visits: '1' })
  await assert.rejects(redis.lpush('list', 'item'), /unknown command/i)
}

async function pipelines(redis) {
  const pipeline = redis.pipeline()
  for (let i = 0; i < 2000; i++) pipeline.set(`p:${i}`, i).get(`p:${i}`)
  const replies = await pipeline.exec()
  assert.equal(replies.length, 4000)
  assert(replies.every(([error, value], i) => error === null && value === (i % 2 ? String(i >> 1) : 'OK')))
  const mixed = await redis.pipeline().set('s', 'x').incr('s').get('s').exec()
  assert.match(mixed[1][0].message, /not an integer/)
  assert.deepEqual(mixed[2], [null, 'x'])
  const found = new Set()
  for await (const keys of redis.scanStream({ match: 'p:*', count: 200 })) keys.forEach((key) => found.add(key))
  assert.equal(found.size, 2000)
}

async function options(Redis, redis) {
  const other = new Redis(port, host, { db: 4, keyPrefix: 'app:', connectionName: 'cache', enableAutoPipelining: true })
  await Promise.all(['x', 'y', 'z'].map((key) => other.set(key, key)))
  assert.deepEqual((await other.keys('app:*')).sort(), ['app:x', 'app:y', 'app:z'])
  assert.equal(await redis.get('app:x'), null)
  assert.equal(await other.client('GETNAME'), 'cache')
  await other.flushdb()
  await other.quit()
}

// With a password, until the next restart.
async function password(Redis, redis) {
  await redis.config('SET', 'requirepass', 'secret')
  const known = new Redis({ port, host, password: 'secret' })
  assert.equal(await known.set('k', 'v'), 'OK')
  await known.quit()
  const stranger = new Redis({ port, host, retryStrategy: null })
  stranger.on('error', () => {})
  await assert.rejects(stranger.get('k'), /NOAUTH/)
  stranger.disconnect()
}

// What is asked while the server is away is answered by the next one, which has forgotten all.
async function reconnects(redis) {
  await control('stop')
  await eventually('the loss is noticed', async () => redis.status !== 'ready')
  const waiting = [redis.get('name'), redis.set('late', 'but kept')]
  await control('start')
  assert.deepEqual(await Promise.all(waiting), [null, 'OK'])
  assert.equal(await redis.get('late'), 'but kept')
}

export async function testIoredis(name, Redis) {
  announce(name)
  const redis = new Redis(port, host)
  redis.on('error', () => {})
  await once(redis, 'ready')
  await strings(redis)
  await pipelines(redis)
  await options(Redis, redis)
  await password(Redis, redis)
  await reconnects(redis)
  await redis.quit()
}
