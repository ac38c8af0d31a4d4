import { afterEach, expect, it } from 'vitest'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

const row = definePolicy({ name: 'row', ttl: '60s' })

const ended: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

/** A cache whose subscription is refused, and another one over the same server. */
function aDeafOne() {
  const clock = fakeClock()
  const server = createTwinServer({ clock, random: seededRandom(1) })
  const definition = sharedTier({ server, pollInterval: '500ms' })
  const subscription = { asked: 0, isRefused: true }
  const tier: typeof definition = {
    ...definition,
    open: (context) => {
      const opened = definition.open(context)
      const subscribe = opened.subscribe!.bind(opened)
      opened.subscribe = async (onRow) => {
        subscription.asked++
        if (subscription.isRefused) throw new Error('NOPERM')
        return subscribe(onRow)
      }
      return opened
    },
  }
  const cacheOver = (of: typeof definition) => {
    const cache = createCache({ name: 'test', tiers: [memoryTier(), of], clock, random: seededRandom(2) })
    ended.push(() => cache.close({ graceMs: 0 }))
    return cache
  }
  const [deaf, other] = [cacheOver(tier), cacheOver(definition)]
  const told: string[] = []
  deaf.on('tier-failed', ({ operation }) => void told.push(operation))
  const readFor = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      await deaf.getOrFill(row, 'k', () => 'old')
      await clock.advance(500)
    }
  }
  return { clock, server, subscription, deaf, other, told, readFor }
}

it('a server that lets nobody listen is told once, and asked again ever more seldom; polls do its work', async () => {
  const { clock, subscription, deaf, other, told, readFor } = aDeafOne()
  await readFor(60_000)
  expect(told).toEqual(['subscribe'])
  // After 1, 2, 4, 8, 16 s.
  expect(subscription.asked).toBe(6)
  await other.delete(row, 'k')
  // Within the bound it may answer; that somebody reads keeps the poll going.
  expect(await deaf.getOrFill(row, 'k', () => 'new')).toBe('old')
  await clock.advance(600)
  expect(deaf.peek(row, 'k')).toBeUndefined()
  subscription.isRefused = false
  await readFor(40_000)
  expect(subscription.asked).toBe(7)
  await deaf.getOrFill(row, 'k', () => 'old')
  await other.delete(row, 'k')
  await clock.settle()
  expect(deaf.peek(row, 'k')).toBeUndefined()
  expect(told).toEqual(['subscribe'])
})

it('nobody waits that long for a server that could not be reached', async () => {
  const { server, subscription, readFor } = aDeafOne()
  await readFor(60_000)
  const { asked } = subscription
  server.fail('logSince', new Error('cut'))
  await readFor(500)
  subscription.isRefused = false
  await readFor(1_000)
  expect(subscription.asked).toBe(asked + 1)
})
