// node-redis and ioredis over TLS, with certificates on both sides.
//
// client: redis (node-redis) and ioredis over TLS
// packages: openssl
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { announce, binary, control, eventually } from './support.mjs'

const port = Number(execFileSync(process.env.ZSCACHE_CONTROL, ['start-tls']))
const file = (name) => readFileSync(`${process.env.ZSCACHE_FOLDER}/tls/${name}`)
const certificates = { ca: file('ca.crt'), cert: file('client.crt'), key: file('client.key') }

announce('redis', 'ioredis')
const node = createClient({ url: `rediss://localhost:${port}`, socket: { tls: true, ...certificates } })
node.on('error', () => {})
await node.connect()
await Promise.all(Array.from({ length: 1000 }, (_, i) => node.set(`k:${i}`, `value ${i}`)))
assert.equal(await node.get('k:999'), 'value 999')

const io = new Redis({ host: 'localhost', port, tls: certificates })
io.on('error', () => {})
await io.set('binary', Buffer.concat(Array(500).fill(binary)))
assert.equal((await io.getBuffer('binary')).length, 500 * binary.length)
assert.equal(await io.get('k:7'), 'value 7')

const unshown = { tls: true, ca: certificates.ca, reconnectStrategy: false }
const stranger = createClient({ url: `rediss://localhost:${port}`, socket: unshown })
stranger.on('error', () => {})
await assert.rejects(stranger.connect())

await control('restart', 'tls')
await eventually('both are back', async () => (await node.ping()) === 'PONG' && (await io.ping()) === 'PONG')
assert.equal(await node.get('k:7'), null)
await io.quit()
await node.close()
