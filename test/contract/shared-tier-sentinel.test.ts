import { afterAll, beforeAll, describe, test } from 'vitest'
import { sharedTierSuite } from '../../src/testing/index.js'
import { SENTINEL } from '../servers/clients.ts'
import { type SentinelGroup, startSentinelGroup } from '../servers/redis-sentinel.ts'
import { redisHarness, singlePlace } from './redis-harness.ts'

describe('with a primary behind sentinels', () => {
  let group: SentinelGroup
  beforeAll(async () => {
    group = await startSentinelGroup()
  })
  afterAll(() => group.stop())

  for (const [name, connect] of Object.entries(SENTINEL)) {
    const create = () => redisHarness(singlePlace(group.primary.client()), () => connect(group))
    sharedTierSuite({ name: `redis behind sentinel over ${name}`, create, describe, test })
  }
})
