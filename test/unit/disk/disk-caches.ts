import { afterEach } from 'vitest'
import { diskTier } from '../../../src/disk/disk-tier.js'
import type { DiskTierOptions } from '../../../src/disk/disk-tier-options.js'
import { type Cache, type CacheOptions, createCache } from '../../../src/index.js'
import { memoryTier } from '../../../src/memory/memory-tier.js'
import { type FakeClock, fakeClock, seededRandom, sharedTier, type TwinServer } from '../../../src/testing/index.js'
// Its directories are gone after each test, and hooks run in turn: the caches are closed before.
import { temporaryDirectory } from './store-fixture.js'

const open: Cache[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((cache) => cache.close({ graceMs: 0 })))
})

export interface DiskCacheOptions extends CacheOptions {
  /** A new one if none is given. */
  directory?: string
  clock?: FakeClock
  server?: TwinServer
  hasMemory?: boolean
  pollInterval?: `${number}ms`
  disk?: Partial<DiskTierOptions>
}

/** A cache with a disk tier, and what else the test wants; closed after the test. */
export function diskCache(options: DiskCacheOptions): Cache {
  const {
    directory = temporaryDirectory(),
    server,
    hasMemory = true,
    disk = {},
    pollInterval = '500ms',
    clock = fakeClock(),
    ...rest
  } = options
  const cache = createCache({
    name: 'test',
    ttl: '60s',
    clock,
    random: seededRandom(3),
    tiers: [
      ...(hasMemory ? [memoryTier()] : []),
      diskTier({ directory, ...disk }),
      ...(server ? [sharedTier({ server, pollInterval })] : []),
    ],
    ...rest,
  })
  open.push(cache)
  return cache
}
