import { type Cache, type CacheOptions, createCache } from '../../src/index.js'
import { memoryTier } from '../../src/memory/memory-tier.js'
import {
  createTwinServer,
  type FakeClock,
  fakeClock,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../src/testing/index.js'
import { Network } from './network.js'

export interface TwinCaches {
  readonly clock: FakeClock
  readonly server: TwinServer
  readonly network: Network
  readonly caches: readonly Cache[]
  close(): Promise<void>
}

/** Caches that share a twin server, as processes share a Redis; client numbers on the network follow their order. */
export function twinCaches(
  count: number,
  options: CacheOptions & { seed?: number; pollInterval?: `${number}ms` } = {},
): TwinCaches {
  const { seed = 1, pollInterval = '500ms', ...cacheOptions } = options
  const clock = fakeClock()
  const network = new Network()
  const server = createTwinServer({ clock, random: seededRandom(seed), deliver: network.deliver })
  const caches = Array.from({ length: count }, (_, index) =>
    createCache({
      name: 'test',
      tiers: [memoryTier(), sharedTier({ server, pollInterval })],
      clock,
      random: seededRandom(seed * 1000 + index),
      ...cacheOptions,
    }),
  )
  return {
    clock,
    server,
    network,
    caches,
    close: async () => {
      for (const cache of caches) {
        const closed = cache.close()
        await clock.advance(10_000)
        await closed
      }
    },
  }
}

/** A source of truth with one number in it, and a count of how often it was read. */
export class Origin {
  version = 1
  reads = 0
  readonly load = async (): Promise<number> => {
    this.reads++
    return this.version
  }
}

/** A promise that a test settles when it wants to. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
