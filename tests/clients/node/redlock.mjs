// Locks over three servers that do not know of each other; one of them is lost.
//
// client: redlock
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import redlock from 'redlock'
import { announce, control, eventually, host, sleep } from './support.mjs'

const Redlock = redlock.default ?? redlock

function startServer(name) {
  return Number(execFileSync(process.env.ZSCACHE_CONTROL, ['start', name]))
}

// An attempt that failed with one server away may leave its lock behind until that expires: the time is short.
async function exclusion(locks) {
  const counts = { inside: 0, done: 0 }
  const work = () =>
    locks.using(['job'], 1000, async () => {
      assert.equal(++counts.inside, 1)
      await sleep(5)
      counts.inside--
      counts.done++
    })
  await Promise.all(Array.from({ length: 3 }, work))
  assert.equal(counts.done, 3)
}

async function oneLock(locks, impatient) {
  let lock = await locks.acquire(['a', 'b'], 5000)
  await assert.rejects(impatient.acquire(['b'], 1000))
  lock = await lock.extend(8000)
  assert(lock.expiration > Date.now() + 6000)
  await lock.release()
  const brief = await impatient.acquire(['a'], 300)
  await eventually('it expires', async () => await impatient.acquire(['a'], 1000))
  await assert.rejects(brief.release())
}

announce('redlock', 'ioredis')
const names = ['main', 'second', 'third']
const clients = names.map((name) => new Redis(startServer(name), host, { enableOfflineQueue: false }))
for (const client of clients) client.on('error', () => {})
await Promise.all(clients.map((client) => once(client, 'ready')))
const locks = new Redlock(clients, { retryCount: 1000, retryDelay: 10, retryJitter: 10 })
const impatient = new Redlock(clients, { retryCount: 0 })
locks.on('error', () => {})
impatient.on('error', () => {})

await exclusion(locks)
await oneLock(locks, impatient)
await control('stop', 'third')
await exclusion(locks)
await control('stop', 'second')
await assert.rejects(impatient.acquire(['z'], 1000))
await control('start', 'second')
await eventually('reconnected', async () => (await clients[1].ping()) === 'PONG')
await exclusion(locks)
for (const client of clients) client.disconnect()
