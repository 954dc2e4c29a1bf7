// What the tests of Node.js libraries share.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export const host = process.env.ZSCACHE_HOST
export const port = Number(process.env.ZSCACHE_PORT)
export const url = `redis://${host}:${port}`
export const binary = Buffer.from(Array.from({ length: 3000 }, (_, i) => (i * i) & 255))
export { sleep }

// Has the runner start, stop or restart the server.
export async function control(...words) {
  await promisify(execFile)(process.env.ZSCACHE_CONTROL, words)
}

// Prints which versions are tested; names are folders of node_modules.
export function announce(...names) {
  const versions = names.map((name) => {
    const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url)))
    return `${name.replace(/\d$/, '')} ${version}`
  })
  console.log(`version: ${versions.join(', ')} (Node.js ${process.version})`)
}

// Waits until a promise-returning function gives a true value; errors count as not yet.
export async function eventually(what, probe, seconds = 20) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const found = await probe().catch(() => false)
    if (found) return found
    if (Date.now() > end) throw new Error(`never came true: ${what}`)
    await sleep(20)
  }
}
