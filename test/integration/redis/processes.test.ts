import type { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { type FleetProcess, startFleet } from './fleet.ts'

const ROUNDS = 200

let server: RedisServer
let origin: Redis
let fleet: FleetProcess[]

beforeAll(async () => {
  server = await startRedisServer()
  origin = server.client()
  fleet = await startFleet(server.url, 2)
})

afterAll(async () => {
  await Promise.all(fleet.map((one) => one.stop()))
  await server.stop()
})

describe('two processes over one Redis', () => {
  it(`R1, R10: never serve the old value after an invalidation during a fill, ${ROUNDS} rounds`, {
    timeout: 120_000,
  }, async () => {
    const [filler, other] = fleet as [FleetProcess, FleetProcess]
    const old: string[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const key = `key-${round}`
      const kind = round % 2 === 0 ? 'delete' : 'invalidate'
      const writer = round % 4 < 2 ? other : filler
      await origin.set(`origin:${key}`, 1)
      await filler.call('hold', { key })
      await origin.set(`origin:${key}`, 2)
      const token = await writer.call(kind, { key })
      expect(await filler.call('letGo', { key })).toBe(1)
      const seen = [await writer.call('read', { key })]
      for (const reader of [filler, other]) {
        seen.push(await reader.call('read', { key, options: { after: token } }))
        seen.push(await reader.call('read', { key, options: { consistency: 'strict' } }))
      }
      if (seen.some((value) => value !== 2)) old.push(`round ${round} (${kind}): ${seen.join(', ')}`)
    }
    expect(old).toEqual([])
  })

  it('S1-25, S2-2: one fill for 50 callers in each of them', async () => {
    await origin.set('origin:hot', 7)
    const keys = Array.from({ length: 50 }, () => 'hot')
    const outcomes = (await Promise.all(fleet.map((one) => one.call('many', { keys, fillMs: 50 })))) as {
      values: number[]
      fills: number
    }[]
    expect(outcomes.flatMap(({ values }) => values)).toEqual(Array.from({ length: 100 }, () => 7))
    expect(outcomes.reduce((total, { fills }) => total + fills, 0)).toBe(1)
  })

  it('S0-3: memory of the other process follows an invalidation by itself', async () => {
    const [writer, reader] = fleet as [FleetProcess, FleetProcess]
    await origin.set('origin:followed', 1)
    await writer.call('read', { key: 'followed' })
    await reader.call('read', { key: 'followed' })
    expect(await reader.call('peek', { key: 'followed' })).toBe(1)
    await origin.set('origin:followed', 2)
    await writer.call('delete', { key: 'followed' })
    await expect.poll(() => reader.call('peek', { key: 'followed' }), { timeout: 3_000, interval: 5 }).toBeUndefined()
    expect(await reader.call('read', { key: 'followed' })).toBe(2)
  })
})
