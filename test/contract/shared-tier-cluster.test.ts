import { afterAll, beforeAll, describe, test } from 'vitest'
import { sharedTierSuite } from '../../src/testing/index.js'
import { CLUSTER } from '../servers/clients.ts'
import { type RedisCluster, startRedisCluster } from '../servers/redis-cluster.ts'
import { type RedisPlace, redisHarness } from './redis-harness.ts'

const SHARDS = 16

describe('with a cluster of three', () => {
  let cluster: RedisCluster
  let place: RedisPlace
  beforeAll(async () => {
    cluster = await startRedisCluster()
    place = { admin: cluster.client(), shards: SHARDS, flush: () => cluster.flush() }
  })
  afterAll(() => cluster.stop())

  for (const [name, connect] of Object.entries(CLUSTER)) {
    const create = () => redisHarness(place, () => connect(cluster))
    sharedTierSuite({ name: `redis cluster over ${name}`, create, describe, test })
  }
})
