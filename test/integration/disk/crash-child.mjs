// Writes to a store until it is killed, and says what it begins and what was acknowledged.
import { writeSync } from 'node:fs'
import { systemClock } from '../../../dist/core/system-clock.js'
import { systemRandom } from '../../../dist/core/system-random.js'
import { DiskStore } from '../../../dist/disk/disk-store.js'
import { checkDiskTierOptions } from '../../../dist/disk/disk-tier-options.js'
import { seededRandom } from '../../../dist/testing/index.js'
import { valueFor } from './crash-value.mjs'

const [options, firstVersion, seed] = process.argv.slice(2).map((text) => JSON.parse(text))
const random = seededRandom(seed)
const store = new DiskStore(checkDiskTierOptions(options), {
  clock: systemClock,
  random: systemRandom,
  onTrouble: (trouble) => say('trouble', trouble.kind, String(trouble.error ?? trouble.records)),
})
let version = firstVersion

/** A pipe takes it at once: what was said before a kill is heard. */
function say(...words) {
  writeSync(1, `${JSON.stringify(words)}\n`)
}

async function set() {
  const key = `k${Math.floor(random.next() * 40)}`
  const own = ++version
  say('set', key, own)
  if (await store.set({ key, value: valueFor(key, own) })) say('ok', own)
}

async function batch() {
  const own = ++version
  const keys = Array.from({ length: 8 }, (_, n) => `b${n}`)
  say('batch', keys, own)
  if (await store.setMany(keys.map((key) => ({ key, value: valueFor(key, own) })))) say('ok', own)
}

async function remove() {
  const key = `k${Math.floor(random.next() * 40)}`
  const own = ++version
  say('delete', key, own)
  if (await store.delete([key])) say('ok', own)
}

async function work() {
  for (;;) {
    const dice = random.next()
    await (dice < 0.7 ? set() : dice < 0.85 ? batch() : remove())
  }
}

await store.opened
say('open')
await Promise.all(Array.from({ length: 6 }, work))
