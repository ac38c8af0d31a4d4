import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EvictionName, Key } from '../../../src/core/ports/local-tier.js'
import { EVICTION_NAMES } from '../../../src/memory/evictions/create-eviction.js'
import { newEntry, newSpace, openTier } from './memory-fixture.js'

const KEYS: readonly Key[] = [...Array.from({ length: 12 }, (_, id) => `unit:${id}`), 0, 1, 2, -1, 2 ** 40]

interface Step {
  does: 'read' | 'set' | 'delete' | 'expire' | 'wait' | 'switch' | 'clear'
  space: number
  key: Key
  ms: number
  eviction: EvictionName
}

const step: fc.Arbitrary<Step> = fc.record({
  does: fc.oneof(
    { arbitrary: fc.constantFrom('read', 'set'), weight: 64 },
    { arbitrary: fc.constantFrom('delete', 'expire', 'wait', 'switch'), weight: 32 },
    { arbitrary: fc.constant('clear'), weight: 1 },
  ) as fc.Arbitrary<Step['does']>,
  space: fc.nat(1),
  key: fc.constantFrom(...KEYS),
  ms: fc.integer({ min: 1, max: 200 }),
  eviction: fc.constantFrom(...EVICTION_NAMES),
})

/** Plays the steps on a tier and on a plain map: what the tier answers, the map knows. The tier may know less. */
function play(options: { maxEntries: number; eviction: EvictionName }, steps: readonly Step[]): void {
  const { tier, clock } = openTier(options)
  const spaces = [newSpace(), newSpace()]
  const known = new Map<string, { value: number; freshUntilMs: number; tags: readonly string[] | undefined }>()
  for (const [value, { does, space: at, key, ms, eviction }] of steps.entries()) {
    const space = spaces[at]!
    const name = `${at} ${typeof key} ${key}`
    const nowMs = clock.now()
    if (does === 'set') {
      const entry = { value, freshUntilMs: nowMs + ms, tags: ms % 3 === 0 ? [`tag:${ms}`] : undefined }
      known.set(name, entry)
      tier.set(space, key, newEntry(value, entry))
      expect(tier.getFresh(space, key, nowMs)).toBe(value)
    } else if (does === 'read') {
      const entry = known.get(name)
      const fresh = entry !== undefined && nowMs < entry.freshUntilMs ? entry : undefined
      expect([undefined, fresh?.value]).toContain(tier.getFresh(space, key, nowMs))
      const whole = tier.getEntry(space, key, nowMs)
      if (whole !== undefined) expect(whole).toMatchObject({ ...fresh, value: fresh?.value })
    } else {
      if (does === 'delete') tier.delete(space, key)
      if (does === 'expire') tier.expire(space, key, nowMs)
      if (does === 'clear') tier.clear()
      if (does === 'switch') tier.useEviction(eviction)
      if (does === 'wait') clock.advance(ms)
      if (does === 'delete' || does === 'expire') known.delete(name)
    }
    expect(tier.usage().entries).toBeLessThanOrEqual(options.maxEntries)
  }
  tier.validate()
}

describe('the tier against a plain map', () => {
  it('S4-10: a slot that is used again never answers with what was in it before', () => {
    const options = fc.record({
      maxEntries: fc.integer({ min: 1, max: 20 }),
      eviction: fc.constantFrom(...EVICTION_NAMES),
    })
    fc.assert(fc.property(options, fc.array(step, { maxLength: 300, size: 'max' }), play), { numRuns: 300 })
  })
})
