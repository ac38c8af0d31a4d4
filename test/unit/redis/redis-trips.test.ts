import { expect, test } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { redisTier } from '../../../src/redis/index.js'
import { fakeClock, seededRandom } from '../../../src/testing/index.js'

const NAMESPACE = '5:org-7'
const KEYS = ['one', 'two', 'three'].map((key) => `5:org-7|units@1|${key}`)
const token = 'T'.repeat(16)

/** How many commands a call sends before the first answer could arrive. */
async function sentAtOnce(call: (tier: SharedTier) => Promise<unknown>): Promise<string[]> {
  const sent: string[] = []
  const client = {
    status: 'ready',
    call: (command: string) => {
      sent.push(command)
      return new Promise<never>(() => {})
    },
    duplicate: () => {
      throw new Error('not used')
    },
  }
  const clock = fakeClock()
  const tier = redisTier({ client, highWaterMark: 1 }).open({ cacheName: 'test', clock, random: seededRandom(1) })
  const done = expect(call(tier)).rejects.toThrow()
  // The deadline, and not yet the breaker's first probe.
  await clock.advance(300)
  await done
  return sent
}

test.each<[string, (tier: SharedTier) => Promise<unknown>, string[]]>([
  ['read', (tier) => tier.read(NAMESPACE, KEYS), ['TIME', 'MGET']],
  ['strict read', (tier) => tier.read(NAMESPACE, KEYS, { tags: [] }), ['TIME', 'MGET', 'HMGET']],
  [
    'acquire',
    (tier) =>
      tier.acquire(
        NAMESPACE,
        KEYS.map((key) => ({ key, token, leaseMs: 1_000 })),
      ),
    ['TIME', 'EVALSHA', 'EVALSHA', 'EVALSHA', 'EVALSHA'],
  ],
  ['follow', (tier) => tier.follow(NAMESPACE, KEYS), ['TIME', 'MGET']],
  [
    'set',
    (tier) =>
      tier.set(
        NAMESPACE,
        KEYS.map((key) => ({ key, token, envelope: 'x', keepMs: 1 })),
        'p',
      ),
    ['EVALSHA', 'EVALSHA', 'EVALSHA', 'EVALSHA'],
  ],
  ['delete', (tier) => tier.delete(NAMESPACE, KEYS, 'p', false), ['EXISTS', 'EXISTS', 'EXISTS', 'UNLINK', 'EVALSHA']],
  ['logSince', (tier) => tier.logSince(0, '0-0', 10), ['XRANGE', 'EXISTS', 'GET', 'TIME']],
])('%s is one round trip', async (_name, call, commands) => {
  expect(await sentAtOnce(call)).toEqual(commands)
})
