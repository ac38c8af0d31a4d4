import type { Cluster, Redis } from 'ioredis'
import { systemClock } from '../../src/core/system-clock.js'
import { systemRandom } from '../../src/core/system-random.js'
import { type RedisClient, redisTier } from '../../src/redis/index.js'
import { crc16 } from '../../src/redis-protocol/redis-slot.js'
import type { SharedTierHarness } from '../../src/testing/index.js'
import type { OpenClient } from '../servers/clients.ts'

const NAMES = { data: 'd', lease: 'l', marker: 'm' } as const
const BASE = 'test:contract:c1:'

/** What the suite does to the server behind the tier's back. */
export interface RedisPlace {
  readonly admin: Redis | Cluster
  /** Logs that the tier keeps there. */
  readonly shards: number
  flush(): Promise<unknown>
}

export function singlePlace(admin: Redis): RedisPlace {
  return { admin, shards: 1, flush: () => admin.flushall() }
}

/** The Redis tier over a client of an application, on an emptied server. `open` brings the client, closed by us. */
export async function redisHarness(place: RedisPlace, open: () => Promise<OpenClient>): Promise<SharedTierHarness> {
  const { admin, shards } = place
  await place.flush()
  const { client, close } = await open()
  let sent = 0
  const counted = counting(client, () => sent++)
  const nameOf = (kind: 'data' | 'lease' | 'marker' | 'control', name: string): string =>
    kind === 'control' ? `${BASE}n:{b${crc16(name) % shards}}:${name}` : `${BASE}${NAMES[kind]}:{${name}}`
  const logs = Array.from({ length: shards }, (_, shard) => `${BASE}b:{b${shard}}`)

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
      if (kind === 'log') await Promise.all(logs.map((log) => admin.del(log)))
      else await admin.del(nameOf(kind, name))
    },
    async flushAll() {
      await place.flush()
    },
    async trimLog(keep) {
      await Promise.all(logs.map((log) => admin.xtrim(log, 'MAXLEN', keep)))
    },
    pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    sentCommands: () => sent,
    close,
  }
}

/** The same client, telling of each call that sends. Its methods still run on the client itself. */
function counting(client: RedisClient, onCall: () => void): RedisClient {
  const senders = new Set<unknown>(['call', 'sendCommand', 'pipeline'])
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (senders.has(name)) onCall()
        return Reflect.apply(value, target, args)
      }
    },
  })
}
