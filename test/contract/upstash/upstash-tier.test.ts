import { afterAll, beforeAll, describe, test } from 'vitest'
import { sharedTierSuite } from '../../../src/testing/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { upstashHarness } from './upstash-harness.ts'

describe('with a server', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer()
  })
  afterAll(() => server.stop())

  sharedTierSuite({
    name: 'upstash over a REST proxy',
    create: () => upstashHarness(server, { fencing: 'scripts' }),
    describe,
    test,
  })
  sharedTierSuite({
    name: 'upstash over a REST proxy without scripts',
    create: () => upstashHarness(server, { fencing: 'none' }),
    describe,
    test,
  })
})
