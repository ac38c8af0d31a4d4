import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { diskCache } from './disk-caches.js'

const READS = ['readFileSync', 'readSync', 'readvSync', 'readdirSync'] as const
const SIZES = [20, 5_000, 300_000]

/** While it runs, whoever reads a file or a folder synchronously fails. */
async function withoutSyncReads(run: () => Promise<void>): Promise<void> {
  const kept = READS.map((name) => fs[name])
  for (const name of READS) {
    Object.assign(fs, {
      [name]: (): never => {
        throw new Error(`${name} blocks the event loop`)
      },
    })
  }
  syncBuiltinESMExports()
  try {
    expect(() => fs.readFileSync(import.meta.filename)).toThrow('blocks the event loop')
    await run()
  } finally {
    for (const [index, name] of READS.entries()) Object.assign(fs, { [name]: kept[index] })
    syncBuiltinESMExports()
  }
}

it('S0-5: once a disk tier is open, no call reads files synchronously, whatever their size', async () => {
  const cache = diskCache({ hasMemory: false })
  const row = definePolicy({ name: 'row', ttl: '60s', tags: () => ['rows'], fill: (size: number) => 'x'.repeat(size) })
  await cache.set(row, 1, 'open')
  await withoutSyncReads(async () => {
    for (const size of SIZES) await cache.getOrFill(row, size)
    for (const size of SIZES) expect(await cache.get(row, size)).toHaveLength(size)
    expect([...(await cache.getMany(row, SIZES)).values()].map((text) => text?.length)).toEqual(SIZES)
    await cache.delete(row, SIZES[0]!)
    expect(await cache.get(row, SIZES[0]!)).toBeUndefined()
    await cache.invalidate({ tags: ['rows'] })
    expect(await cache.get(row, SIZES[2]!)).toBeUndefined()
  })
  expect(cache.stats().tiers.disk).toMatchObject({ errors: 0 })
})
