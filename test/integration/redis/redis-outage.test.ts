import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { until } from '../../kit/until.ts'
import { type OpenClient, SINGLE } from '../../servers/clients.ts'
import { freePort } from '../../servers/free-port.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { KEY, NAMESPACE, openRedisTier } from './open-redis-tier.ts'
import { TIER_CALLS } from './tier-calls.ts'

const TIMEOUT_MS = 200

const rejections: unknown[] = []
const onRejection = (reason: unknown): void => {
  rejections.push(reason)
}

const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})

beforeEach(() => {
  rejections.length = 0
  complaints.mockClear()
  process.on('unhandledRejection', onRejection)
})

afterEach(() => {
  process.off('unhandledRejection', onRejection)
  expect(rejections).toEqual([])
  // What ioredis does with an 'error' event that nobody listens to.
  expect(complaints).not.toHaveBeenCalled()
})
afterAll(() => complaints.mockRestore())

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * How each call ended, and which had not ended at its deadline and 100 ms, of which only those count in which this
 * process was not kept waiting for a processor.
 */
async function callAll(tier: SharedTier): Promise<{ outcomes: Record<string, string>; late: string[] }> {
  const outcomes: Record<string, string> = {}
  const calls = Object.entries(TIER_CALLS).map(async ([name, call]) => {
    outcomes[name] = await call(tier).then(
      () => 'answered',
      (error: { code?: string }) => error.code ?? String(error),
    )
  })
  const left = (): string[] => Object.keys(TIER_CALLS).filter((name) => outcomes[name] === undefined)
  await pause(TIMEOUT_MS)
  for (let rounds = 0; rounds < 10 && left().length > 0; ) {
    const startedAt = performance.now()
    await pause(10)
    if (performance.now() - startedAt < 20) rounds++
  }
  const late = left()
  await Promise.all(calls)
  return { outcomes, late }
}

for (const [version, connect] of Object.entries(SINGLE)) {
  describe(`an outage with ${version}`, () => {
    const clients: OpenClient[] = []
    const servers: RedisServer[] = []

    const open = async (port: number, timeoutMs = TIMEOUT_MS): Promise<SharedTier> => {
      const one = await connect(port)
      clients.push(one)
      return openRedisTier(one.client, { commandTimeout: `${timeoutMs}ms`, breaker: { openTime: '50ms' } })
    }
    const start = async (port?: number): Promise<RedisServer> => {
      const server = await startRedisServer(port === undefined ? {} : { port })
      servers.push(server)
      return server
    }
    afterEach(async () => {
      await Promise.all(clients.splice(0).map((one) => one.close()))
      await Promise.all(servers.splice(0).map((server) => server.stop()))
    })

    test('B26: rejects every call within the deadline when nobody listens', async () => {
      const tier = await open(await freePort())
      const { outcomes, late } = await callAll(tier)
      expect(Object.values(outcomes)).not.toContain('answered')
      expect(late).toEqual([])
      // A client that never connects may say so, or go on trying.
      await tier
        .subscribe?.(() => {})
        .then(
          (end) => end(),
          () => {},
        )
      await tier.close()
    })

    test('B26: rejects every call at the deadline when the server hangs, and ignores what it says later', async () => {
      const server = await start()
      const tier = await open(server.port)
      await tier.control(NAMESPACE, [])
      const thaw = await server.freeze()
      const { outcomes, late } = await callAll(tier)
      thaw()
      expect(new Set(Object.values(outcomes))).toEqual(new Set(['SHARED_TIER_TIMEOUT']))
      expect(late).toEqual([])
      await until(() =>
        tier.read(NAMESPACE, [KEY]).then(
          () => true,
          () => false,
        ),
      )
      await tier.close()
    })

    test('S2-45: refuses at once what need not wait for a connection, and works again by itself', async () => {
      const server = await start()
      const tier = await open(server.port)
      await tier.delete(NAMESPACE, [KEY], 'before', false)
      await server.stop()
      const isRefused = (error: { code?: string }): boolean => error.code === 'SHARED_TIER_FAILED'
      await until(() => tier.tail(0).then(() => false, isRefused), { what: 'the end of the connection' })
      const { outcomes } = await callAll(tier)
      const { delete: deleted, 'soft delete': softened, bump, release, ...rest } = outcomes
      expect(new Set(Object.values(rest))).toEqual(new Set(['SHARED_TIER_FAILED']))
      expect([deleted, softened, bump, release]).not.toContain('answered')
      await start(server.port)
      await until(() =>
        tier.delete(NAMESPACE, [KEY], 'after', false).then(
          () => true,
          () => false,
        ),
      )
      await tier.close()
    })

    test('carries an invalidation over a broken connection', async () => {
      const server = await start()
      const tier = await open(server.port, 10_000)
      await tier.tail(0)
      const admin = server.client()
      await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')
      const deletion = tier.delete(NAMESPACE, [KEY], 'payload', false)
      // The server has it, and has not answered.
      const hasArrived = async (): Promise<boolean> => /flags=b/.test(String(await admin.client('LIST')))
      await until(hasArrived, { what: 'the deletion' })
      await admin.call('CLIENT', 'KILL', 'TYPE', 'normal')
      await admin.call('CLIENT', 'UNPAUSE')
      const { position } = await deletion
      expect((await tier.logSince(0, position.id, 10)).rows).toEqual([{ id: position.id, payload: 'payload' }])
      await tier.close()
    })
  })
}
