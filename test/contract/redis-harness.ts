import { systemClock } from '../../src/core/system-clock.js'
import { systemRandom } from '../../src/core/system-random.js'
import { type RedisClient, redisTier } from '../../src/redis/index.js'
import type { SharedTierHarness } from '../../src/testing/index.js'
import type { TestClient } from '../servers/ioredis-versions.ts'
import type { RedisServer } from '../servers/redis-server.ts'

const NAMES = { data: 'd', lease: 'l', marker: 'm' } as const
const BASE = 'test:contract:c1:'

/** The Redis tier on an emptied server. What goes behind the tier's back has a client of its own. */
export async function redisHarness(server: RedisServer, client: TestClient): Promise<SharedTierHarness> {
  const admin = server.client()
  await admin.flushall()
  let sent = 0
  const counted = counting(client, () => sent++)
  const nameOf = (kind: 'data' | 'lease' | 'marker' | 'control', name: string): string =>
    kind === 'control' ? `${BASE}n:{b0}:${name}` : `${BASE}${NAMES[kind]}:{${name}}`

  return {
    open({ cacheName = 'contract', logMaxEntries } = {}) {
      const definition = redisTier({ client: counted, prefix: 'test:', commandTimeout: '10s', logMaxEntries })
      return definition.open({ cacheName, clock: systemClock, random: systemRandom })
    },
    async put(kind, key, text) {
      await admin.set(nameOf(kind, key), text)
    },
    async remainingMs(kind, name) {
      return Math.max(0, await admin.pttl(nameOf(kind, name)))
    },
    async evict(kind, name) {
      await admin.del(kind === 'log' ? `${BASE}b:{b0}` : nameOf(kind, name))
    },
    async flushAll() {
      await admin.flushall()
    },
    async trimLog(keep) {
      await admin.xtrim(`${BASE}b:{b0}`, 'MAXLEN', keep)
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    sentCommands: () => sent,
    async close() {
      client.disconnect()
      admin.disconnect()
    },
  }
}

/** The same client, telling of each command. */
function counting(client: TestClient, onCall: () => void): RedisClient {
  return {
    get status() {
      return client.status
    },
    options: client.options,
    call(command, ...args) {
      onCall()
      return client.call(command, ...args)
    },
    duplicate: (override) => client.duplicate(override),
  }
}
