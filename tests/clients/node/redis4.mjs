// node-redis 4, which most applications still have.
//
// client: redis (node-redis) 4
import { commandOptions, createClient } from 'redis4'
import { testNodeRedis } from './node_redis.mjs'

await testNodeRedis('redis4', createClient, (client) => ({
  set: (key, value) => client.set(key, value),
  get: (key) => client.get(commandOptions({ returnBuffers: true }), key),
}))
