import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy, type Explanation } from '../../../src/index.js'
import { deferred, type TwinCaches, twinCaches } from '../../kit/twin-caches.js'

const row = definePolicy<string>({
  name: 'row',
  version: 2,
  ttl: '10s',
  jitter: 0,
  stale: { ifError: '5s' },
  tags: (key) => [`site-${key}`],
})

let twins: TwinCaches | undefined
afterEach(() => twins?.close())

async function setUp(count = 2) {
  twins = twinCaches(count)
  const [a, b] = twins.caches as [TwinCaches['caches'][0], TwinCaches['caches'][0]]
  await a.getOrFill(row, 'k', () => 'a secret value')
  const states = async (cache = a) => {
    const { tiers } = await cache.explain(row, 'k')
    return Object.fromEntries(tiers.map(({ tier, state }) => [tier, state]))
  }
  const why = async (tier: string, cache = a) =>
    (await cache.explain(row, 'k')).tiers.find((one) => one.tier === tier)!.why
  return { ...twins, a, b, states, why }
}

/** Without the shared tier's own word that it opened a control block. */
const sent = ({ invalidations }: Explanation) => invalidations.filter(({ sender }) => sender !== '')

describe('explain', () => {
  it('tells which tiers hold an entry, its age, its tags, and who would answer', async () => {
    const { a, clock, caches } = await setUp()
    await clock.advance(1_000)
    const told = await a.explain(row, 'k')
    expect(told).toMatchObject({
      policy: 'row',
      version: 2,
      tenant: '',
      key: 'k',
      answer: 'memory',
      flights: [],
      isLeased: false,
    })
    expect(told.storedKey).toContain('row@2')
    for (const tier of told.tiers) {
      expect(tier).toMatchObject({ state: 'fresh', ageMs: 1_000, ttlMs: 9_000, tags: ['site-k'] })
    }
    expect(told.tiers.map(({ tier }) => tier)).toEqual(Object.keys(caches[0]!.stats().tiers))
  })

  it('shows no value', async () => {
    const { a } = await setUp()
    expect(JSON.stringify(await a.explain(row, 'k'))).not.toContain('secret')
  })

  it('touches nothing: no count, no promotion', async () => {
    const { a, b, states } = await setUp()
    const before = a.stats()
    await a.explain(row, 'k')
    expect(a.stats()).toEqual(before)
    await b.explain(row, 'k')
    expect(await states(b)).toMatchObject({ memory: 'missing' })
    expect((await b.explain(row, 'k')).answer).not.toBe('memory')
  })

  it('tells what is held nowhere', async () => {
    const { a } = await setUp()
    const told = await a.explain(row, 'nobody')
    expect(told.tiers.map(({ state }) => state)).toEqual(['missing', 'missing'])
    expect(told.answer).toBe('fill')
  })

  it('tells what is stale, and what is over', async () => {
    const { clock, states } = await setUp()
    await clock.advance(12_000)
    const shared = Object.keys(await states()).at(-1)!
    expect((await states())[shared]).toBe('stale')
    await clock.advance(5_000)
    expect(Object.values(await states())).not.toContain('fresh')
  })

  it('tells by which tag an entry died, in both tiers, and who did it', async () => {
    const { a, b, clock, why } = await setUp()
    await b.getOrFill(row, 'k', () => 'x')
    await b.invalidate({ tags: ['site-k'] })
    await clock.advance(10)
    expect(await why('memory')).toContain("tag 'site-k' was invalidated")
    const told = await a.explain(row, 'k')
    expect(told.tiers.map(({ state }) => state)).toEqual(['dead', 'dead'])
    expect(told.tiers[1]!.why).toMatch(/tag 'site-k' was invalidated \d+ ms ago/)
    expect(told.answer).toBe('fill')
    expect(sent(told)).toEqual([
      expect.objectContaining({ tags: ['site-k'], clear: false, soft: false, sender: b.stats().sender }),
    ])
    expect(sent(told)[0]!.source).not.toBe('local')
  })

  it('tells of a clear, of a soft invalidation, and of one by key', async () => {
    const { a, why, states } = await setUp()
    await a.invalidate({ tags: ['site-k'], soft: true })
    expect(Object.values(await states())).toEqual(['stale', 'stale'])
    await a.clear()
    expect(await why('memory')).toContain('cleared')
    await a.getOrFill(row, 'k', () => 'new')
    await a.delete(row, 'k')
    const { invalidations, tiers } = await a.explain(row, 'k')
    expect(tiers.map(({ state }) => state)).toEqual(['missing', 'missing'])
    expect(invalidations.find(({ source }) => source === 'local')).toMatchObject({
      entries: 1,
      sender: a.stats().sender,
    })
    expect(invalidations.some(({ clear }) => clear)).toBe(true)
  })

  it('does not tell of invalidations of others', async () => {
    const { a } = await setUp()
    await a.delete(row, 'other')
    await a.invalidate({ tags: ['site-other'] })
    await a.tenant('org').clear()
    expect(sent(await a.explain(row, 'k'))).toEqual([])
  })

  it('remembers a bounded number of them', async () => {
    const { a } = await setUp()
    for (let times = 0; times < 300; times++) await a.delete(row, 'k')
    const { invalidations } = await a.explain(row, 'k')
    expect(invalidations.length).toBeLessThanOrEqual(256)
    expect(invalidations.length).toBeGreaterThan(100)
  })

  it('tells that memory may not answer because the bound has lapsed', async () => {
    const { clock, server, states, why } = await setUp(1)
    for (let poll = 0; poll < 20; poll++) server.fail('logSince', new Error('down'))
    await clock.advance(3_000)
    expect(await states()).toMatchObject({ memory: 'unproven' })
    expect(await why('memory')).toContain('maxStaleness')
  })

  it('tells of a shared tier that does not answer', async () => {
    const { a, server } = await setUp(1)
    server.fail('read', new Error('connection lost'))
    const told = await a.explain(row, 'k')
    expect(told.tiers[1]).toMatchObject({ state: 'failed', why: expect.stringContaining('connection lost') })
    expect(told.answer).toBe('memory')
  })

  it('tells of a flight and its lease, and of one that is poisoned', async () => {
    const { a, clock } = await setUp(1)
    const loaded = deferred<string>()
    const value = a.getOrFill(row, 'slow', () => loaded.promise)
    await clock.advance(300)
    const during = await a.explain(row, 'slow')
    expect(during).toMatchObject({ answer: 'flight', isLeased: true })
    expect(during.flights).toEqual([{ startedMsAgo: 300, waiters: 1, isJoinable: true, isPoisoned: false }])
    await a.delete(row, 'slow')
    expect(await a.explain(row, 'slow')).toMatchObject({
      answer: 'fill',
      isLeased: false,
      flights: [{ isJoinable: false, isPoisoned: true }],
    })
    loaded.resolve('late')
    await clock.advance(1)
    await value
  })

  it('takes the default policy, and refuses a bad key', async () => {
    const { a } = await setUp(1)
    await expect(a.explain('k')).rejects.toThrow(/policy is required/)
    await expect(a.explain(row, {} as string)).rejects.toThrow(/key must be/)
  })
})
