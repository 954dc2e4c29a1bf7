// Transactions, scripts and subscriptions with node-redis and ioredis.
//
// client: redis (node-redis) and ioredis: transactions, scripts, subscriptions
import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { createClient, defineScript, WatchError } from 'redis'
import { announce, control, eventually, host, port, url } from './support.mjs'

const ADD = 'return redis.call("INCRBY", KEYS[1], ARGV[1])'

async function nodeTransactions(client) {
  const replies = await client.multi().set('a', '1').incr('a').hSet('h', 'f', 'v').hGetAll('h').exec()
  assert.equal(replies[1], 2)
  assert.deepEqual({ ...replies[3] }, { f: 'v' })
  const other = client.duplicate()
  await other.connect()
  await other.watch('a')
  await client.set('a', 'changed')
  await assert.rejects(other.multi().set('a', 'mine').exec(), WatchError)
  await other.close()
  assert.equal(await client.get('a'), 'changed')
}

async function nodeScripts(client) {
  assert.equal(await client.add('sum', 5), 5)
  assert.equal(await client.add('sum', 6), 11)
  assert.equal(await client.eval(ADD, { keys: ['sum'], arguments: ['1'] }), 12)
}

async function nodeSubscriptions(client) {
  const listener = client.duplicate()
  listener.on('error', () => {})
  await listener.connect()
  const got = []
  await listener.subscribe('news', (message) => got.push(message))
  await listener.pSubscribe('user:*', (message, channel) => got.push(`${channel} ${message}`))
  assert.equal(await client.publish('news', 'first'), 1)
  assert.equal(await client.publish('user:1', 'second'), 1)
  assert.equal(await listener.ping(), 'PONG')
  await eventually('both messages', async () => got.length === 2)
  assert.deepEqual(got, ['first', 'user:1 second'])
  await control('restart')
  await eventually('subscribed again', async () => (await client.publish('news', 'third')) === 1)
  await eventually('its message', async () => got.includes('third'))
  await listener.close()
}

async function io() {
  const redis = new Redis(port, host)
  redis.on('error', () => {})
  assert.deepEqual(await redis.multi().set('x', 1).incr('x').get('x').exec(), [[null, 'OK'], [null, 2], [null, '2']])
  redis.defineCommand('addTo', { numberOfKeys: 1, lua: ADD })
  assert.equal(await redis.addTo('y', 3), 3)
  await redis.script('FLUSH')
  assert.equal(await redis.addTo('y', 4), 7)
  const piped = await redis.pipeline().addTo('y', 1).addTo('y', 1).exec()
  assert.deepEqual(piped, [[null, 8], [null, 9]])
  const listener = new Redis(port, host)
  const got = []
  listener.on('message', (channel, message) => got.push(`${channel} ${message}`))
  assert.equal(await listener.subscribe('a', 'b'), 2)
  await redis.publish('b', 'hello')
  await eventually('the message', async () => got[0] === 'b hello')
  await listener.quit()
  await redis.quit()
}

announce('redis', 'ioredis')
const add = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: ADD,
  parseCommand: (parser, key, n) => (parser.pushKey(key), parser.push(String(n))),
  transformReply: undefined,
})
const client = createClient({ url, scripts: { add } })
client.on('error', () => {})
await client.connect()
await nodeTransactions(client)
await nodeScripts(client)
await io()
await nodeSubscriptions(client)
await client.close()
