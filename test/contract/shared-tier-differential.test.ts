import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { APPEND } from '../../src/redis-protocol/scripts/append.js'
import { COMMIT } from '../../src/redis-protocol/scripts/commit.js'
import { MARK } from '../../src/redis-protocol/scripts/mark.js'
import { SOFTEN } from '../../src/redis-protocol/scripts/soften.js'
import type { SharedTierHarness } from '../../src/testing/index.js'
import { type RedisServer, startRedisServer } from '../servers/redis-server.ts'
import { redisHarness, singlePlace } from './redis-harness.ts'
import { Normaliser, STEP, type Step } from './shared-tier-model.ts'
import { twinHarness } from './twin-harness.ts'

const SCRIPTS = [APPEND, COMMIT, MARK, SOFTEN]

let server: RedisServer
beforeAll(async () => {
  server = await startRedisServer()
})
afterAll(() => server.stop())

/** `pauseMs`: a fake clock stands still unless it is moved. */
async function replies(harness: SharedTierHarness, steps: readonly Step[], pauseMs: number): Promise<unknown[]> {
  const tier = harness.open()
  const normaliser = new Normaliser()
  const answered: unknown[] = []
  for (const { title, run } of steps) {
    answered.push([title, normaliser.normalise(await run(tier, harness))])
    if (pauseMs > 0) await harness.pass(pauseMs)
  }
  await tier.close()
  await harness.close()
  return answered
}

test('the twin answers every sequence of calls as Redis does', async () => {
  const client = server.client()
  // A row is appended twice where the server learns a script meanwhile: let it know them all.
  for (const { lua } of SCRIPTS) await client.script('LOAD', lua)
  const create = () => redisHarness(singlePlace(client), async () => ({ client, close: async () => {} }))
  await fc.assert(
    fc.asyncProperty(fc.array(STEP, { maxLength: 40, size: 'max' }), async (steps) => {
      const real = await replies(await create(), steps, 0)
      expect(await replies(await twinHarness(), steps, 1)).toEqual(real)
    }),
    { numRuns: 150 },
  )
})
