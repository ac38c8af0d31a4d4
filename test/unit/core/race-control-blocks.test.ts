import { describe, expect, it } from 'vitest'
import { type Cache, definePolicy, type Receipt } from '../../../src/index.js'
import { revalidated, setUp, tagged } from '../../kit/racing-caches.js'
import { deferred, Origin } from '../../kit/twin-caches.js'

describe('an invalidation that a process learns of from a control block, before its log tells', () => {
  const ways: Record<string, (cache: Cache) => Promise<Receipt>> = {
    clear: (cache) => cache.clear(),
    tag: (cache) => cache.invalidate({ tags: ['t'] }),
  }

  it.each(Object.entries(ways))('R6: %s: whoever comes after it joins no load that began before', async (_way, run) => {
    const { a, b, clock, server } = setUp(2)
    server.dropPush = true
    await b.getOrFill(tagged, 'other', () => 0)
    const loaded = deferred<number>()
    const early = b.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    const after = await run(a)
    await b.getOrFill(tagged, 'other', () => 0, { consistency: 'strict' })
    const late = b.getOrFill(tagged, 'k', () => 2, { after })
    await clock.settle()
    loaded.resolve(1)
    await clock.advance(1_000)
    expect([await early, await late]).toEqual([1, 2])
  })

  it.each(Object.entries(ways))('R6: %s: nor is given the stale value that answered before it', async (_way, run) => {
    const { a, b, clock, server, network } = setUp(2)
    const origin = new Origin()
    server.dropPush = true
    await a.getOrFill(revalidated, 'k', origin.load)
    await b.getOrFill(revalidated, 'other', () => 0)
    await clock.advance(60_000)
    const acquire = network.hold('request', 'acquire', 2)
    expect(await b.getOrFill(revalidated, 'k', origin.load)).toBe(1)
    await acquire.reached
    origin.version = 2
    const after = await run(a)
    await b.getOrFill(revalidated, 'other', () => 0, { consistency: 'strict' })
    const late = b.getOrFill(revalidated, 'k', origin.load, { after })
    await clock.settle()
    acquire.release()
    await clock.advance(1_000)
    expect(await late).toBe(2)
  })

  it.each(Object.entries(ways))(
    'R6: %s: nor what was judged before it, and is still being checked',
    async (_way, run) => {
      const { a, b, clock, server } = setUp(2)
      const origin = new Origin()
      let checking: Promise<void> | undefined
      const validate = async (value: unknown): Promise<{ value: number }> => {
        await checking
        return { value: value as number }
      }
      const value = { '~standard': { version: 1, vendor: 'test', validate } } as const
      const checked = definePolicy({ name: 'checked', ttl: '60s', jitter: 0, tags: () => ['t'], value })
      await a.getOrFill(checked, 'k', origin.load)
      await b.getOrFill(tagged, 'other', () => 0)
      server.dropPush = true
      const check = deferred<void>()
      checking = check.promise
      const early = b.getOrFill(checked, 'k', origin.load)
      await clock.settle()
      checking = undefined
      origin.version = 2
      const after = await run(a)
      await b.getOrFill(tagged, 'other', () => 0, { consistency: 'strict' })
      const late = b.getOrFill(checked, 'k', origin.load, { after })
      await clock.settle()
      check.resolve()
      await clock.advance(1_000)
      expect([await early, await late]).toEqual([1, 2])
    },
  )

  it('R6: the first block that it sees: whoever comes after it joins no load that began before', async () => {
    const { a, b, clock, server } = setUp(2)
    server.dropPush = true
    server.fail('read', new Error('cut'))
    const loaded = deferred<number>()
    const early = b.getOrFill(tagged, 'k', () => loaded.promise)
    await clock.settle()
    const after = await a.clear()
    await b.getOrFill(tagged, 'other', () => 0)
    const late = b.getOrFill(tagged, 'k', () => 2, { after })
    await clock.settle()
    loaded.resolve(1)
    await clock.advance(1_000)
    expect([await early, await late]).toEqual([1, 2])
  })
})
