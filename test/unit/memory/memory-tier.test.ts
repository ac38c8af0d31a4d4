import { describe, expect, it } from 'vitest'
import { newEntry, newSpace, openTier, ScriptedNamespace } from './memory-fixture.js'

describe('contents', () => {
  it('answers what was set, under the same space and key', () => {
    const { tier } = openTier()
    const space = newSpace()
    expect(tier.set(space, 'a', newEntry('A'))).toBe(true)
    expect(tier.getFresh(space, 'a', 0)).toBe('A')
    expect(tier.getFresh(space, 'b', 0)).toBe(undefined)
    expect(tier.getFresh(newSpace(), 'a', 0)).toBe(undefined)
  })

  it('tells an integer from its text', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 1, newEntry('number'))
    tier.set(space, '1', newEntry('text'))
    expect(tier.getFresh(space, 1, 0)).toBe('number')
    expect(tier.getFresh(space, '1', 0)).toBe('text')
    expect(tier.delete(space, 1)).toBe(true)
    expect(tier.getFresh(space, '1', 0)).toBe('text')
  })

  it.each([0, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])(
    'keeps the integer key %d apart from its neighbours',
    (key) => {
      const { tier } = openTier()
      const space = newSpace()
      tier.set(space, key, newEntry('here'))
      expect(tier.getFresh(space, key, 0)).toBe('here')
      if (key < Number.MAX_SAFE_INTEGER) expect(tier.getFresh(space, key + 1, 0)).toBe(undefined)
    },
  )

  it('finds keys of any length and alphabet', () => {
    const { tier } = openTier({ maxEntries: 1_000 })
    const space = newSpace()
    const keys = [
      '',
      '\0',
      '\0\0',
      'é',
      '\ud800',
      '😀',
      'x'.repeat(64),
      'x'.repeat(65),
      'x'.repeat(500),
      `${'x'.repeat(500)}\0`,
    ]
    for (const key of keys) tier.set(space, key, newEntry(key))
    for (const key of keys) expect(tier.getFresh(space, key, 0)).toBe(key)
    expect(tier.usage().entries).toBe(keys.length)
  })

  it('finds a key that was built anew', () => {
    const { tier } = openTier({ maxEntries: 1_000 })
    const space = newSpace()
    for (let id = 0; id < 500; id++) tier.set(space, `org:${id}:unit:${id * 7}`, newEntry(id))
    for (let id = 0; id < 500; id++) expect(tier.getFresh(space, ['org', id, 'unit', id * 7].join(':'), 0)).toBe(id)
  })

  it('replaces a value in place', () => {
    const { tier, removed } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1))
    tier.set(space, 'a', newEntry(2, { tags: ['t'], staleMs: 5 }))
    expect(tier.getEntry(space, 'a', 0)).toMatchObject({ value: 2, tags: ['t'], staleMs: 5 })
    expect(tier.usage().entries).toBe(1)
    expect(removed).toEqual([])
  })

  it('keeps undefined and null as values', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'u', newEntry(undefined))
    tier.set(space, 'n', newEntry(null))
    expect(tier.getFresh(space, 'u', 0)).toBe(undefined)
    expect(tier.getFresh(space, 'n', 0)).toBe(null)
  })

  it('deletes one key and says whether there was one', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1))
    expect(tier.delete(space, 'a')).toBe(true)
    expect(tier.delete(space, 'a')).toBe(false)
    expect(tier.getFresh(space, 'a', 0)).toBe(undefined)
  })

  it('drops everything at once', () => {
    const { tier, clock } = openTier()
    const space = newSpace()
    for (let id = 0; id < 50; id++) tier.set(space, id, newEntry(id, { tags: [`t${id}`] }))
    tier.clear()
    expect(tier.usage()).toMatchObject({ entries: 0, bytes: 0 })
    expect(tier.getFresh(space, 1, 0)).toBe(undefined)
    expect(clock.timers).toBe(0)
    tier.set(space, 1, newEntry('again'))
    expect(tier.getFresh(space, 1, 0)).toBe('again')
  })

  it('stores nothing after close', () => {
    const { tier, clock } = openTier()
    const space = newSpace()
    tier.close()
    expect(tier.set(space, 'a', newEntry(1))).toBe(false)
    expect(tier.getFresh(space, 'a', 0)).toBe(undefined)
    expect(clock.timers).toBe(0)
  })

  it('gives back the whole entry, times to the millisecond', () => {
    const { tier } = openTier()
    const space = newSpace()
    const entry = newEntry(
      { deep: true },
      { freshUntilMs: 1_234, staleMs: 567, storedAtMs: 1_700_000_000_123, tags: ['x', 'y'] },
    )
    tier.set(space, 'a', entry)
    expect(tier.getEntry(space, 'a', 0)).toEqual({ ...entry, bytes: undefined })
  })

  it('keeps times far apart in one space', () => {
    const { tier } = openTier()
    const space = newSpace()
    const day = 86_400_000
    const far = [0.5, 1, 30, 100, 730].map((days) =>
      newEntry(days, { freshUntilMs: days * day, storedAtMs: 1_700_000_000_000 - days * day }),
    )
    for (const entry of far) tier.set(space, entry.value as number, entry)
    for (const entry of far) expect(tier.getEntry(space, entry.value as number, 0)).toMatchObject(entry)
    tier.expire(space, 730, 5)
    expect(tier.getEntry(space, 730, 5)).toBeUndefined()
  })
})

describe('time', () => {
  it('is fresh before its moment and gone at it', () => {
    const { tier, removed } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { freshUntilMs: 1_000 }))
    expect(tier.getFresh(space, 'a', 999.9)).toBe(1)
    expect(tier.usage().entries).toBe(1)
    expect(tier.getFresh(space, 'a', 1_000)).toBe(undefined)
    expect(tier.usage().entries).toBe(0)
    expect(removed).toEqual([{ space, reason: 'expired' }])
  })

  it('is held as stale until the end of its stale window', () => {
    const { tier, removed } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { freshUntilMs: 1_000, staleMs: 500 }))
    expect(tier.getFresh(space, 'a', 1_000)).toBe(undefined)
    expect(tier.getEntry(space, 'a', 1_499)).toMatchObject({ value: 1, freshUntilMs: 1_000, staleMs: 500 })
    expect(removed).toEqual([])
    expect(tier.getEntry(space, 'a', 1_500)).toBeUndefined()
    expect(removed).toEqual([{ space, reason: 'expired' }])
  })

  it('never lives longer for a fraction of a millisecond', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { freshUntilMs: 1_000.7 }))
    expect(tier.getFresh(space, 'a', 1_000.8)).toBe(undefined)
  })

  it('makes an entry stale on request, and drops one without a stale window', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { staleMs: 500 }))
    tier.set(space, 'b', newEntry(2))
    tier.expire(space, 'a', 100)
    tier.expire(space, 'b', 100)
    tier.expire(space, 'nobody', 100)
    expect(tier.getFresh(space, 'a', 100)).toBe(undefined)
    expect(tier.getEntry(space, 'a', 599)).toMatchObject({ value: 1, freshUntilMs: 100 })
    expect(tier.getEntry(space, 'a', 600)).toBeUndefined()
    expect(tier.usage().entries).toBe(0)
  })

  it('does not make a stale entry younger by expiring it again', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { freshUntilMs: 100, staleMs: 500 }))
    tier.expire(space, 'a', 300)
    expect(tier.getEntry(space, 'a', 300)).toMatchObject({ freshUntilMs: 100 })
    expect(tier.getEntry(space, 'a', 600)).toBeUndefined()
  })

  it('sweeps what is over in the background, and rests when nothing is held', () => {
    const { tier, clock, removed } = openTier({ maxEntries: 1_000 })
    const space = newSpace()
    for (let id = 0; id < 300; id++)
      tier.set(space, id, newEntry(id, { freshUntilMs: id < 200 ? 5_000 : 50_000, staleMs: 1_000 }))
    expect(clock.timers).toBe(1)
    clock.advance(5_999)
    expect(tier.usage().entries).toBe(300)
    clock.advance(1_001)
    expect(tier.usage().entries).toBe(100)
    expect(removed).toHaveLength(200)
    clock.advance(60_000)
    expect(tier.usage().entries).toBe(0)
    expect(clock.timers).toBe(0)
  })

  it('sweeps a bounded number of slots in one step', () => {
    const { tier, clock } = openTier({ maxEntries: 50_000 })
    const space = newSpace()
    for (let id = 0; id < 50_000; id++) tier.set(space, id, newEntry(id, { freshUntilMs: 1 }))
    clock.advance(1_000)
    expect(tier.usage().entries).toBe(50_000 - 4_096)
    clock.advance(60_000)
    expect(tier.usage().entries).toBe(0)
  })

  it('sweeps what a clear made dead', () => {
    const { tier, clock, removed } = openTier()
    const space = newSpace()
    for (let id = 0; id < 10; id++) tier.set(space, id, newEntry(id))
    space.namespace.sequence = 2
    space.namespace.judge = () => 'dead'
    clock.advance(2_000)
    expect(tier.usage().entries).toBe(0)
    expect(removed).toEqual([])
  })
})

describe('standing', () => {
  it('asks once for all entries that have seen the same', () => {
    const { tier } = openTier()
    const space = newSpace()
    for (let id = 0; id < 10; id++) tier.set(space, id, newEntry(id))
    space.namespace.sequence = 2
    space.namespace.judgements = 0
    for (let id = 0; id < 10; id++) expect(tier.getFresh(space, id, 0)).toBe(id)
    expect(space.namespace.judgements).toBe(1)
    expect(tier.getEntry(space, 3, 0)).toMatchObject({ seen: 2 })
  })

  it('shows the namespace what was seen, and the tags', () => {
    const { tier } = openTier()
    const space = newSpace()
    space.namespace.sequence = 4
    tier.set(space, 'a', newEntry(1, { seen: 4, tags: ['x', 'y'] }))
    const asked: unknown[] = []
    space.namespace.judge = (seen, tags) => {
      asked.push({ seen, tags })
      return 'current'
    }
    tier.getFresh(space, 'a', 0)
    space.namespace.sequence = 7
    tier.getFresh(space, 'a', 0)
    tier.getFresh(space, 'a', 0)
    expect(asked).toEqual([{ seen: 4, tags: ['x', 'y'] }])
  })

  it('never returns a dead entry', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1))
    tier.set(space, 'b', newEntry(1, { staleMs: 1_000 }))
    space.namespace.sequence = 2
    space.namespace.judge = () => 'dead'
    expect(tier.getFresh(space, 'a', 0)).toBe(undefined)
    expect(tier.getEntry(space, 'b', 0)).toBeUndefined()
    expect(tier.usage().entries).toBe(0)
  })

  it('treats a soft invalidation as the end of freshness, and judges a later one anew', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1, { staleMs: 1_000, tags: ['t'] }))
    space.namespace.sequence = 2
    space.namespace.judge = (seen) => (seen < 2 ? 'stale' : 'current')
    expect(tier.getFresh(space, 'a', 50)).toBe(undefined)
    expect(tier.getEntry(space, 'a', 60)).toMatchObject({ value: 1, freshUntilMs: 50, seen: 2, tags: ['t'] })
    space.namespace.sequence = 3
    space.namespace.judge = (seen) => (seen < 3 ? 'dead' : 'current')
    expect(tier.getEntry(space, 'a', 70)).toBeUndefined()
  })

  it('drops a softly invalidated entry without a stale window', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'a', newEntry(1))
    space.namespace.sequence = 2
    space.namespace.judge = () => 'stale'
    expect(tier.getFresh(space, 'a', 50)).toBe(undefined)
    expect(tier.usage().entries).toBe(0)
  })

  it('keeps apart what was stored before and after a clear', () => {
    const { tier } = openTier()
    const space = newSpace()
    tier.set(space, 'old', newEntry('old'))
    space.namespace.sequence = 2
    space.namespace.judge = (seen) => (seen < 2 ? 'dead' : 'current')
    tier.set(space, 'new', newEntry('new', { seen: 2 }))
    expect(tier.getFresh(space, 'new', 0)).toBe('new')
    expect(tier.getFresh(space, 'old', 0)).toBe(undefined)
  })

  it('does not let a late entry pass for one that saw the clear', () => {
    const { tier } = openTier()
    const space = newSpace()
    space.namespace.sequence = 2
    space.namespace.judge = (seen) => (seen < 2 ? 'dead' : 'current')
    tier.set(space, 'new', newEntry('new', { seen: 2 }))
    tier.set(space, 'late', newEntry('late', { seen: 1 }))
    expect(tier.getFresh(space, 'late', 0)).toBe(undefined)
    expect(tier.getFresh(space, 'new', 0)).toBe('new')
  })

  it('judges each entry by its own tags', () => {
    const { tier } = openTier()
    const space = newSpace(new ScriptedNamespace())
    tier.set(space, 'a', newEntry('a', { tags: ['x'] }))
    tier.set(space, 'b', newEntry('b', { tags: ['y'] }))
    tier.set(space, 'c', newEntry('c', { tags: ['x'] }))
    tier.set(space, 'd', newEntry('d'))
    space.namespace.sequence = 2
    space.namespace.judge = (seen, tags) => (seen < 2 && tags?.includes('x') ? 'dead' : 'current')
    expect(['a', 'b', 'c', 'd'].map((key) => tier.getFresh(space, key, 0))).toEqual([undefined, 'b', undefined, 'd'])
  })
})
