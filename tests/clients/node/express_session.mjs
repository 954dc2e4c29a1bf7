// Sessions of a web application: Express with express-session and connect-redis.
//
// client: connect-redis with Express
import assert from 'node:assert/strict'
import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'
import { announce, control, eventually, sleep, url } from './support.mjs'

announce('connect-redis', 'express', 'express-session', 'redis')
const client = createClient({ url })
client.on('error', () => {})
await client.connect()
const store = new RedisStore({ client })

const app = express()
app.use(session({ store, secret: 'not a secret', resave: false, saveUninitialized: false, cookie: { maxAge: 60000 } }))
app.get('/visit', (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1
  request.session.note = 'ünïcode '.repeat(100)
  response.json({ visits: request.session.visits })
})
app.get('/leave', (request, response) => request.session.destroy(() => response.json({})))
const server = app.listen(0, '127.0.0.1')
await new Promise((resolve) => server.once('listening', resolve))
const site = `http://127.0.0.1:${server.address().port}`

// Asks as a browser with these cookies does.
async function browse(path, jar) {
  const response = await fetch(site + path, { headers: jar.cookie ? { cookie: jar.cookie } : {} })
  const given = response.headers.get('set-cookie')
  if (given) jar.cookie = given.split(';')[0]
  return response.json()
}

const ada = {}
const ben = {}
for (let i = 1; i <= 5; i++) {
  assert.deepEqual(await browse('/visit', ada), { visits: i })
}
assert.deepEqual(await browse('/visit', ben), { visits: 1 })
assert.equal(await store.length(), 2)
assert.equal((await store.all()).length, 2)
const [key] = await client.keys('sess:*')
assert((await client.ttl(key)) > 50)
await browse('/leave', ada)
assert.deepEqual(await browse('/visit', ada), { visits: 1 })

// A session of its own length, and touching it.
const set = (id, data) => new Promise((resolve, reject) => store.set(id, data, (e) => (e ? reject(e) : resolve())))
await set('brief', { cookie: { expires: new Date(Date.now() + 1500) } })
assert((await store.get('brief')).cookie)
await sleep(2100)
assert.equal((await store.get('brief')) ?? null, null)

// The server is restarted: sessions are gone, the site goes on.
await control('restart')
await eventually('reconnected', async () => client.isReady)
assert.deepEqual(await browse('/visit', ben), { visits: 1 })
assert.deepEqual(await browse('/visit', ben), { visits: 2 })
await store.clear()
assert.equal(await store.length(), 0)
server.close()
server.closeAllConnections()
await client.close()
