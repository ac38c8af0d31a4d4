import { afterAll, beforeAll, describe, test } from 'vitest'
import { sharedTierSuite } from '../../src/testing/index.js'
import { SINGLE } from '../servers/clients.ts'
import { type RedisServer, startRedisServer } from '../servers/redis-server.ts'
import { redisHarness, singlePlace } from './redis-harness.ts'
import { twinHarness } from './twin-harness.ts'

sharedTierSuite({ name: 'twin', create: () => twinHarness(), describe, test })
sharedTierSuite({ name: 'twin over a slow network', create: () => twinHarness({ isSlow: true }), describe, test })

describe('S2-17: with a server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  for (const [name, connect] of Object.entries(SINGLE)) {
    const create = () => redisHarness(singlePlace(server.client()), () => connect(server.port))
    sharedTierSuite({ name: `redis over ${name}`, create, describe, test })
  }
})
