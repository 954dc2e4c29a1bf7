// ioredis 5, which speaks RESP2.
//
// client: ioredis 5
import { Redis } from 'ioredis5'
import { testIoredis } from './node_ioredis.mjs'

await testIoredis('ioredis5', Redis)
