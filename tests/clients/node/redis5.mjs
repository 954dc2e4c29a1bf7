// node-redis 5, which speaks RESP2 by default.
//
// client: redis (node-redis) 5
import { createClient, RESP_TYPES } from 'redis5'
import { testNodeRedis } from './node_redis.mjs'

await testNodeRedis('redis5', createClient, (client) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }))
