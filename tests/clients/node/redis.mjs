// node-redis 6, which insists on HELLO 3.
//
// client: redis (node-redis) 6
import { createClient, RESP_TYPES } from 'redis'
import { testNodeRedis } from './node_redis.mjs'

await testNodeRedis('redis', createClient, (client) => client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }))
