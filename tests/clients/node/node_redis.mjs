// What is tested with each major version of the package "redis".
import assert from 'node:assert/strict'
import { announce, binary, control, eventually, port, sleep, url } from './support.mjs'

async function strings(client, bytes) {
  assert.equal(await client.ping(), 'PONG')
  assert.equal(await client.set('name', 'zscache'), 'OK')
  assert.equal(await client.get('name'), 'zscache')
  assert.equal(await client.get('nobody'), null)
  await bytes.set('binary', binary)
  assert.deepEqual(await bytes.get('binary'), binary)
  await client.mSet({ a: '1', b: '2' })
  assert.deepEqual(await client.mGet(['a', 'nobody', 'b']), ['1', null, '2'])
  assert.equal(await client.incrBy('n', 41), 41)
  assert.equal(await client.incr('n'), 42)
  assert.equal(await client.getDel('a'), '1')
  assert.equal(await client.exists('a'), 0)
  await assert.rejects(client.lPush('list', 'item'), /unknown command/i)
}

async function expiry(client) {
  assert.equal(await client.set('short', 'x', { PX: 40 }), 'OK')
  assert.equal(await client.set('lock', 'mine', { NX: true, EX: 100 }), 'OK')
  assert.equal(await client.set('lock', 'yours', { NX: true, EX: 100 }), null)
  const ttl = await client.ttl('lock')
  assert(ttl > 98 && ttl <= 100)
  await sleep(60)
  assert.equal(await client.get('short'), null)
  assert.equal(await client.getEx('lock', { type: 'PERSIST', value: true, PERSIST: true }), 'mine')
  assert.equal(await client.ttl('lock'), -1)
}

async function hashes(client) {
  assert.equal(await client.hSet('user:1', { name: 'Ada', visits: '1' }), 2)
  assert.deepEqual({ ...(await client.hGetAll('user:1')) }, { name: 'Ada', visits: '1' })
  assert.equal(await client.hIncrBy('user:1', 'visits', 2), 3)
  assert.deepEqual(await client.hmGet('user:1', ['visits', 'none']), ['3', null])
}

// What is asked in one turn goes out as one pipeline.
async function pipelines(client) {
  const numbers = Array.from({ length: 2000 }, (_, i) => i)
  await Promise.all(numbers.map((i) => client.setEx(`p:${i}`, 60, `value ${i}`)))
  const values = await Promise.all(numbers.map((i) => client.get(`p:${i}`)))
  assert.deepEqual(values, numbers.map((i) => `value ${i}`))
  const replies = await client.multi().set('q', '1').incr('q').get('q').execAsPipeline()
  assert.deepEqual(replies, ['OK', 2, '2'])
  const seen = new Set()
  for await (const found of client.scanIterator({ MATCH: 'p:*', COUNT: 100 })) {
    for (const key of [found].flat()) seen.add(key)
  }
  assert.equal(seen.size, 2000)
}

async function databases(createClient, client) {
  const other = createClient({ url: `${url}/2`, name: 'cache' })
  await other.connect()
  await other.set('name', 'another')
  assert.equal(await client.get('name'), 'zscache')
  assert.equal(await other.clientGetName(), 'cache')
  await other.flushDb()
  assert.equal(await other.dbSize(), 0)
  assert((await client.dbSize()) > 0)
  await (other.close ?? other.quit).call(other)
}

// With a password, until the next restart.
async function password(createClient, client) {
  await client.configSet('requirepass', 'secret')
  const known = createClient({ url: url.replace('//', '//default:secret@') })
  await known.connect()
  assert.equal(await known.set('k', 'v'), 'OK')
  await (known.close ?? known.quit).call(known)
  const stranger = createClient({ url: url.replace('//', '//:wrong@'), socket: { reconnectStrategy: false } })
  stranger.on('error', () => {})
  await assert.rejects(stranger.connect(), /WRONGPASS/)
}

// Commands wait for the server to come back, and go out then.
async function reconnects(client) {
  await control('restart')
  await eventually('reconnected', async () => client.isReady && (await client.ping()) === 'PONG')
  await control('stop')
  await eventually('the loss is noticed', async () => !client.isReady)
  const waiting = client.set('late', 'but kept')
  await control('start')
  assert.equal(await waiting, 'OK')
  assert.equal(await client.get('late'), 'but kept')
  assert.equal(await client.get('name'), null)
}

// `bytesOf` makes of a client one that returns buffers.
export async function testNodeRedis(name, createClient, bytesOf) {
  announce(name)
  const client = createClient({ url })
  client.on('error', () => {})
  await client.connect()
  const info = await client.info('server')
  assert.match(info, new RegExp(`tcp_port:${port}`))
  await strings(client, bytesOf(client))
  await expiry(client)
  await hashes(client)
  await pipelines(client)
  await databases(createClient, client)
  await password(createClient, client)
  await reconnects(client)
  await (client.close ?? client.quit).call(client)
}
