// Keyv with its adapter for Redis, and cache-manager on top of it.
//
// client: keyv with @keyv/redis, cache-manager
import assert from 'node:assert/strict'
import KeyvRedis from '@keyv/redis'
import { createCache } from 'cache-manager'
import Keyv from 'keyv'
import { announce, control, eventually, sleep, url } from './support.mjs'

async function values(keyv) {
  const thing = { text: 'ünïcode', list: [1, null, { deep: true }] }
  assert.equal(await keyv.set('thing', thing), true)
  assert.deepEqual(await keyv.get('thing'), thing)
  assert.equal(await keyv.get('nobody'), undefined)
  assert.equal(await keyv.has('thing'), true)
  assert.equal(await keyv.delete('thing'), true)
  assert.equal(await keyv.delete('thing'), false)
  assert.equal(await keyv.has('thing'), false)
  await keyv.set('brief', 'x', 60)
  assert.equal(await keyv.get('brief'), 'x')
  await sleep(90)
  assert.equal(await keyv.get('brief'), undefined)
}

async function many(keyv) {
  const entries = Array.from({ length: 50 }, (_, i) => ({ key: `m:${i}`, value: i, ttl: i % 2 ? 60000 : undefined }))
  await keyv.setMany(entries)
  const keys = entries.map(({ key }) => key)
  assert.deepEqual(await keyv.getMany([...keys, 'nobody']), [...entries.map(({ value }) => value), undefined])
  assert.deepEqual(await keyv.hasMany(['m:1', 'nobody']), [true, false])
  const found = new Set()
  for await (const [key] of keyv.iterator()) found.add(key)
  assert.equal(found.size, 50)
  assert.equal(await keyv.deleteMany(keys.slice(0, 10)), true)
  assert.equal(await keyv.get('m:9'), undefined)
  assert.equal(await keyv.get('m:10'), 10)
}

async function namespaces(keyv) {
  const other = new Keyv({ store: new KeyvRedis(url), namespace: 'other' })
  await other.set('m:10', 'another')
  assert.equal(await keyv.get('m:10'), 10)
  await keyv.clear()
  assert.equal(await keyv.get('m:10'), undefined)
  assert.equal(await other.get('m:10'), 'another')
  await other.disconnect()
}

async function cacheManager() {
  const store = new Keyv({ store: new KeyvRedis(url), namespace: 'managed' })
  const cache = createCache({ stores: [store], ttl: 60000 })
  await cache.set('key', { a: 1 })
  assert.deepEqual(await cache.get('key'), { a: 1 })
  assert((await cache.ttl('key')) > Date.now())
  await cache.mset([{ key: 'a', value: 1 }, { key: 'b', value: 2, ttl: 40 }])
  assert.deepEqual(await cache.mget(['a', 'b', 'c']), [1, 2, undefined])
  await sleep(60)
  assert.deepEqual(await cache.mget(['a', 'b']), [1, undefined])
  let calls = 0
  const load = async () => ({ loaded: ++calls })
  const loads = await Promise.all([1, 2, 3].map(() => cache.wrap('wrapped', load)))
  assert.deepEqual(loads, [{ loaded: 1 }, { loaded: 1 }, { loaded: 1 }])
  assert.equal(await cache.del('key'), true)
  assert.equal(await cache.mdel(['a', 'wrapped']), true)
  assert((await cache.get('key')) == null)
  await cache.clear()
  await cache.disconnect()
}

announce('keyv', '@keyv/redis', 'cache-manager')
const keyv = new Keyv({ store: new KeyvRedis(url), namespace: 'app' })
keyv.on('error', () => {})
await values(keyv)
await many(keyv)
await namespaces(keyv)
await cacheManager()
await keyv.set('kept', 1)
await control('restart')
await eventually('works again', async () => (await keyv.set('late', 2)) && (await keyv.get('late')) === 2)
assert.equal(await keyv.get('kept'), undefined)
await keyv.disconnect()
