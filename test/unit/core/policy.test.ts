import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CacheError, definePolicy, InvalidOptionError, type PolicyOptions } from '../../../src/index.js'

/** The error of a definition, which must name field, value and rule. */
function refusal(options: object): InvalidOptionError {
  try {
    definePolicy(options as PolicyOptions)
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(CacheError.is(error)).toBe(true)
    return error as InvalidOptionError
  }
  throw new Error('the policy was accepted')
}

const good = { name: 'row', ttl: '60s' } as const

describe('a policy is refused, with field, value and rule,', () => {
  it.each<[what: string, options: object, field: string, message: RegExp]>([
    ['without a name', { ttl: '60s' }, 'policy.name', /1 to 64 letters.*got undefined/],
    ['with an empty name', { ...good, name: '' }, 'policy.name', /got ''/],
    ['with a name that could end a key part', { ...good, name: 'a|b' }, 'policy.name', /got 'a\|b'/],
    ['with a name of 65 characters', { ...good, name: 'a'.repeat(65) }, 'policy.name', /65 characters/],
    ['without a ttl', { name: 'row' }, "policy 'row': ttl", /is required.*got undefined/],
    ['with a bare number as ttl', { ...good, ttl: 60 }, "policy 'row': ttl", /'60ms' or '60s'; got 60/],
    ['with a negative ttl', { ...good, ttl: '-1s' }, "policy 'row': ttl", /must be a duration.*got '-1s'/],
    ['with a ttl of NaN', { ...good, ttl: Number.NaN }, "policy 'row': ttl", /must be a duration.*got NaN/],
    ['with an infinite ttl', { ...good, ttl: 'Infinitys' }, "policy 'row': ttl", /got 'Infinitys'/],
    ['with an endless ttl', { ...good, ttl: `${'9'.repeat(400)}d` }, "policy 'row': ttl", /at most '730d'/],
    ['with a ttl of 731 days', { ...good, ttl: '731d' }, "policy 'row': ttl", /at most '730d'; got '731d'/],
    ['with a ttl in exponents', { ...good, ttl: '1e3ms' }, "policy 'row': ttl", /got '1e3ms'/],
    ['with a ttl of null', { ...good, ttl: null }, "policy 'row': ttl", /got null/],
    ['with version 0', { ...good, version: 0 }, "policy 'row': version", /1 or more; got 0/],
    ['with half a version', { ...good, version: 1.5 }, "policy 'row': version", /got 1.5/],
    ['with too much jitter', { ...good, jitter: 0.6 }, "policy 'row': jitter", /from 0 to 0.5; got 0.6/],
    ['with jitter null', { ...good, jitter: null }, "policy 'row': jitter", /got null/],
    ['with an unknown option', { ...good, tll: '1s' }, 'policy.tll', /is no option.*got '1s'/],
    ['with a misspelt option', { ...good, jiter: 0 }, 'policy.jiter', /did you mean 'jitter'/],
    ['with an unknown nested option', { ...good, stale: { forMs: 1 } }, "policy 'row': stale.forMs", /is no option/],
    ['with stale as text', { ...good, stale: '30s' }, "policy 'row': stale", /object of options; got '30s'/],
    ['with stale null', { ...good, stale: null }, "policy 'row': stale", /got null/],
    ['with coordinate true', { ...good, coordinate: true }, "policy 'row': coordinate", /got true/],
    ['with coordinate null', { ...good, coordinate: null }, "policy 'row': coordinate", /got null/],
    [
      'with a wrong onTimeout',
      { ...good, coordinate: { onTimeout: 'hedg' } },
      "policy 'row': coordinate.onTimeout",
      /'fill' or 'hedge' or 'throw'; got 'hedg'/,
    ],
    [
      'with text for a name in Ms',
      { ...good, coordinate: { waitMs: '2s' } },
      "policy 'row': coordinate.waitMs",
      /number of milliseconds, 0 or more; got '2s'/,
    ],
    [
      'with an infinite lease',
      { ...good, coordinate: { leaseMs: Infinity } },
      "policy 'row': coordinate.leaseMs",
      /got Infinity/,
    ],
    ['with hard 0s', { ...good, fillTimeout: { hard: '0s' } }, "policy 'row': fillTimeout.hard", /longer than zero/],
    [
      'with soft not below hard',
      { ...good, fillTimeout: { soft: '5s', hard: '5s' } },
      "policy 'row': fillTimeout.soft",
      /shorter than fillTimeout.hard \(5000 ms\)/,
    ],
    [
      'with no place for a fill',
      { ...good, bulkhead: { maxFills: 0 } },
      "policy 'row': bulkhead.maxFills",
      /1 or more; got 0/,
    ],
    ['with tags that are no function', { ...good, tags: ['a'] }, "policy 'row': tags", /function; got an array of 1/],
    ['with a fill that is no function', { ...good, fill: 'x' }, "policy 'row': fill", /function; got 'x'/],
    ['with a schema that is none', { ...good, value: {} }, "policy 'row': value", /Standard Schema/],
  ])('%s', (_what, options, field, message) => {
    const error = refusal(options)
    expect(error.code).toBe('INVALID_OPTION')
    expect(error.field).toBe(field)
    expect(error.message).toMatch(message)
  })

  it('that is no object at all', () => {
    for (const value of [undefined, null, 'row', 5, []]) {
      expect(() => definePolicy(value as never)).toThrow(InvalidOptionError)
    }
  })
})

describe('the timing of followers', () => {
  it('S1-18, S1-19, S1-20, S1-21, B16: is accepted exactly if 0 < pollMinMs <= pollMaxMs < waitMs < leaseMs', () => {
    const ms = fc.integer({ min: 0, max: 6 })
    fc.assert(
      fc.property(ms, ms, ms, ms, (pollMinMs, pollMaxMs, waitMs, leaseMs) => {
        const holds = 0 < pollMinMs && pollMinMs <= pollMaxMs && pollMaxMs < waitMs && waitMs < leaseMs
        const define = () => definePolicy({ ...good, coordinate: { pollMinMs, pollMaxMs, waitMs, leaseMs } })
        if (holds) define()
        else expect(define).toThrow(/coordinate\.(pollMinMs|pollMaxMs|waitMs) must be/)
      }),
      { numRuns: 2_000, seed: 1 },
    )
  })

  it('S1-18: names the field at fault, its value and the other one, also where a default is the other one', () => {
    const error = refusal({ ...good, coordinate: { waitMs: 5_000 } })
    expect(error.field).toBe("policy 'row': coordinate.waitMs")
    expect(error.message).toMatch(/must be below leaseMs \(5000\).*got 5000/)
  })

  it('S1-21: is checked against defaults too', () => {
    expect(refusal({ ...good, coordinate: { waitMs: 250 } }).field).toBe("policy 'row': coordinate.pollMaxMs")
  })
})

describe('a policy that was accepted', () => {
  it('is frozen, and what the caller passed in stays as it was', () => {
    const options = {
      name: 'row',
      ttl: '60s' as const,
      stale: { ifError: '1h' as const },
      coordinate: { waitMs: 1_000 },
    }
    const before = structuredClone(options)
    const policy = definePolicy(options)
    expect(options).toEqual(before)
    expect(Object.isFrozen(policy)).toBe(true)
    expect(Object.isFrozen(policy.rules)).toBe(true)
    expect(Object.isFrozen(policy.rules.coordinate)).toBe(true)
  })

  it('does not follow what the caller changes afterwards', () => {
    const options = { name: 'row', ttl: '60s' as `${number}s`, coordinate: { waitMs: 1_000 } }
    const policy = definePolicy(options)
    options.ttl = '1s'
    options.coordinate.waitMs = 9_999
    expect([policy.rules.ttlMs, policy.rules.coordinate.waitMs]).toEqual([60_000, 1_000])
  })

  it('reads fractions of a unit, and takes 0s as "do not store"', () => {
    expect(definePolicy({ name: 'row', ttl: '1.5s' }).rules.ttlMs).toBe(1_500)
    expect(definePolicy({ name: 'row', ttl: '0s' }).rules.ttlMs).toBe(0)
    expect(definePolicy({ name: 'row', ttl: '730d' }).rules.ttlMs).toBe(730 * 86_400_000)
  })

  it('caps negativeTtl at the ttl', () => {
    expect(definePolicy({ name: 'row', ttl: '1s', negativeTtl: '1h' }).rules.negativeTtlMs).toBe(1_000)
  })
})
