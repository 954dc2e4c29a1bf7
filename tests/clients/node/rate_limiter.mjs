// Rate limits kept in the cache, with the script of rate-limiter-flexible.
//
// client: rate-limiter-flexible
import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { RateLimiterRedis, RLWrapperBlackAndWhite, BurstyRateLimiter } from 'rate-limiter-flexible'
import { createClient } from 'redis'
import { announce, control, eventually, host, port, sleep, url } from './support.mjs'

// Whether the limiter lets it pass; what it says either way is checked by `look`.
async function passes(limiter, key, points, look = () => {}) {
  try {
    look(await limiter.consume(key, points))
    return true
  } catch (refusal) {
    if (refusal instanceof Error) throw refusal
    look(refusal)
    return false
  }
}

async function limits(options) {
  const limiter = new RateLimiterRedis({ ...options, keyPrefix: 'api', points: 5, duration: 1 })
  const verdicts = await Promise.all(Array.from({ length: 8 }, () => passes(limiter, 'ada')))
  assert.equal(verdicts.filter(Boolean).length, 5)
  await passes(limiter, 'ada', 1, ({ msBeforeNext }) => assert(msBeforeNext > 0 && msBeforeNext <= 1000))
  assert.equal(await passes(limiter, 'ben'), true)
  await sleep(1100)
  assert.equal(await passes(limiter, 'ada', 4, ({ remainingPoints }) => assert.equal(remainingPoints, 1)), true)
  assert.equal((await limiter.get('ada')).consumedPoints, 4)
  await limiter.reward('ada', 2)
  await limiter.penalty('ada', 1)
  assert.equal((await limiter.get('ada')).consumedPoints, 3)
  await limiter.block('ada', 100)
  assert.equal(await passes(limiter, 'ada'), false)
  assert.equal(await limiter.delete('ada'), true)
  assert.equal(await limiter.get('ada'), null)
}

async function combinations(options) {
  const strict = new RateLimiterRedis({ ...options, keyPrefix: 'strict', points: 1, duration: 60, blockDuration: 100 })
  const lists = new RLWrapperBlackAndWhite({ limiter: strict, whiteList: ['friend'], blackList: ['foe'] })
  assert.equal(await passes(lists, 'friend'), true)
  assert.equal(await passes(lists, 'foe'), false)
  assert.equal(await passes(strict, 'x'), true)
  assert.equal(await passes(strict, 'x', 1, ({ msBeforeNext }) => assert(msBeforeNext > 90000)), false)
  const burst = new RateLimiterRedis({ ...options, keyPrefix: 'burst', points: 2, duration: 60 })
  const bursty = new BurstyRateLimiter(strict, burst)
  const verdicts = []
  for (let i = 0; i < 5; i++) verdicts.push(await passes(bursty, 'y'))
  assert.deepEqual(verdicts, [true, true, true, false, false])
}

announce('rate-limiter-flexible', 'ioredis', 'redis')
const io = new Redis(port, host)
io.on('error', () => {})
await limits({ storeClient: io })
await combinations({ storeClient: io })

const node = createClient({ url })
node.on('error', () => {})
await node.connect()
await node.flushAll()
await limits({ storeClient: node, useRedisPackage: true })

// The next server knows neither counts nor scripts.
await control('restart')
await eventually('reconnected', async () => (await io.ping()) === 'PONG')
const limiter = new RateLimiterRedis({ storeClient: io, points: 2, duration: 60 })
assert.deepEqual([await passes(limiter, 'a'), await passes(limiter, 'a'), await passes(limiter, 'a')], [true, true, false])
await io.quit()
await node.close()
