// ioredis 6, which asks for HELLO 3 and for INFO before it is ready.
//
// client: ioredis 6
import { Redis } from 'ioredis'
import { testIoredis } from './node_ioredis.mjs'

await testIoredis('ioredis', Redis)
