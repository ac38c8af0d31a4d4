import type { SharedTier } from '../../src/core/ports/shared-tier.js'
import {
  createTwinServer,
  fakeClock,
  type SharedTierHarness,
  seededRandom,
  sharedTier,
} from '../../src/testing/index.js'

const MAPS = { data: 'data', lease: 'leases', marker: 'markers', control: 'controls' } as const
const CACHE_NAME = 'contract'

/** The twin on a fake clock. `isSlow`: every message takes a turn of the event loop. */
export async function twinHarness({ isSlow = false } = {}): Promise<SharedTierHarness> {
  const clock = fakeClock()
  const random = seededRandom(1)
  const deliver = isSlow ? () => new Promise<void>((resolve) => setImmediate(resolve)) : undefined
  const server = createTwinServer({ clock, random, deliver })
  const database = () => server.database(CACHE_NAME)

  return {
    open({ cacheName = CACHE_NAME, logMaxEntries } = {}): SharedTier {
      return sharedTier({ server, logMaxEntries }).open({ cacheName, clock, random })
    },
    async put(kind, key, text) {
      database()[MAPS[kind]].set(key, text, 60_000)
    },
    async remainingMs(kind, name) {
      return database()[MAPS[kind]].remainingMs(name)
    },
    async evict(kind, name) {
      if (kind === 'log') database().logs.length = 0
      else server.evict(name, MAPS[kind])
    },
    async flushAll() {
      server.flushAll()
    },
    async trimLog(keep) {
      server.trimLog(keep)
    },
    pass: (ms) => clock.advance(ms),
    sentCommands: () => Object.values(server.commands).reduce((sum, count) => sum + count, 0),
    async close() {},
  }
}
