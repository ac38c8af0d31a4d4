import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../../src/testing/index.js'
import { type RedisServer, startRedisServer } from '../../test/servers/redis-server.ts'
import type { SoakInstance } from './soak-instance.ts'

/** What can be broken. `redis` is replaced when it is killed. */
export interface Scene {
  readonly instances: readonly SoakInstance[]
  redis: RedisServer
}

type Fault = (scene: Scene, random: SeededRandom, forMs: number) => Promise<void>

/** Each breaks one thing for about `forMs`, and mends it. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  'Redis killed': async (scene, _, forMs) => {
    const { port } = scene.redis
    await scene.redis.stop()
    await sleep(forMs)
    scene.redis = await startRedisServer({ port })
  },
  'Redis hung': async ({ redis }, _, forMs) => {
    const goOn = await redis.freeze()
    await sleep(forMs)
    goOn()
  },
  'connections cut': async ({ instances }, random) => {
    for (const { line } of instances) random.next() < 0.5 ? line.cut() : line.reset()
  },
  'slow lines': async ({ instances }, random, forMs) => {
    for (const { line } of instances) line.delayMs = 10 + random.integer(100)
    await sleep(forMs)
    for (const { line } of instances) line.heal()
  },
  'dead line of one instance': async ({ instances }, random, forMs) => {
    const { line } = instances[random.integer(instances.length)]!
    line.halfOpen()
    await sleep(forMs)
    line.heal()
  },
  'instance killed': async ({ instances }, random, forMs) => {
    const instance = instances[random.integer(instances.length)]!
    await instance.end('SIGKILL')
    await sleep(forMs)
    await instance.start()
  },
}
