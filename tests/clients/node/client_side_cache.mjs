// The cache in the memory of node-redis, kept right by the server's invalidations.
//
// client: redis (node-redis) with its client-side cache
import assert from 'node:assert/strict'
import { BasicClientSideCache, createClient } from 'redis'
import { announce, control, eventually, url } from './support.mjs'

announce('redis')
const writer = createClient({ url })
writer.on('error', () => {})
await writer.connect()
const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100 })
const reader = createClient({ url, RESP: 3, clientSideCache: cache })
reader.on('error', () => {})
await reader.connect()

// Values read once come from the client's memory, until somebody changes them.
await writer.mSet({ a: 'one', b: 'another' })
for (let i = 0; i < 5; i++) assert.deepEqual(await reader.mGet(['a', 'b']), ['one', 'another'])
for (let i = 0; i < 5; i++) assert.equal(await reader.get('a'), 'one')
assert.equal(cache.stats().hitCount, 8)
await writer.set('a', 'two')
await eventually('the change is seen', async () => (await reader.get('a')) === 'two')
await writer.del('a')
await eventually('the loss is seen', async () => (await reader.get('a')) === null)

// An expiry and a flush are changes, too.
await writer.set('brief', 'x', { PX: 150 })
assert.equal(await reader.get('brief'), 'x')
await eventually('the expiry is seen', async () => (await reader.get('brief')) === null)
await writer.set('a', 'three')
await eventually('a new value is seen', async () => (await reader.get('a')) === 'three')
await writer.flushAll()
await eventually('the flush is seen', async () => (await reader.get('a')) === null)

// What was kept of a server that is gone is forgotten.
await writer.set('a', 'four')
await eventually('a new value is seen', async () => (await reader.get('a')) === 'four')
await control('restart')
await eventually('the restart is seen', async () => (await reader.get('a')) === null)
await reader.close()
await eventually('the writer is back', async () => writer.isReady)
await writer.close()
