import { systemClock } from '../../../src/core/system-clock.js'
import { systemRandom } from '../../../src/core/system-random.js'
import { type SharedTierHarness, startRestProxy } from '../../../src/testing/index.js'
import { upstashTier } from '../../../src/upstash/index.js'
import { SINGLE } from '../../servers/clients.ts'
import type { RedisServer } from '../../servers/redis-server.ts'
import { redisHarness, singlePlace } from '../redis-harness.ts'

const TOKEN = 'contract-token'

/** The Upstash tier over a REST proxy of its own; behind its back the server is touched as that of the Redis tier. */
export async function upstashHarness(
  server: RedisServer,
  { fencing }: { fencing: 'scripts' | 'none' },
): Promise<SharedTierHarness> {
  const redis = await redisHarness(singlePlace(server.client()), () => SINGLE['ioredis 6']!(server.port))
  const proxy = await startRestProxy({ redisUrl: server.url, token: TOKEN, scripts: fencing === 'scripts' })
  return {
    ...redis,
    open({ cacheName = 'contract', logMaxEntries } = {}) {
      const options = { url: proxy.url, token: TOKEN, prefix: 'test:', commandTimeout: '60s', logMaxEntries } as const
      return upstashTier({ ...options, fencing }).open({ cacheName, clock: systemClock, random: systemRandom })
    },
    sentCommands: () => proxy.requests,
    async close() {
      await proxy.close()
      await redis.close()
    },
  }
}
