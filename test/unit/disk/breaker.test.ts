import { describe, expect, it } from 'vitest'
import { Breaker } from '../../../src/disk/breaker.js'
import { fakeClock } from '../../../src/testing/index.js'

function make() {
  const clock = fakeClock()
  const states: string[] = []
  const rules = { failureThreshold: 5, successThreshold: 3, timeoutMs: 30_000, windowMs: 60_000 }
  const breaker = new Breaker(rules, clock, (state) => void states.push(state))
  const fail = (times: number): void => {
    for (let n = 0; n < times; n++) if (breaker.admit()) breaker.failed()
  }
  return { clock, states, breaker, fail }
}

describe('S4-11: a breaker', () => {
  it('opens at the fifth failure of a minute, not before', async () => {
    const { clock, breaker, fail } = make()
    fail(4)
    await clock.advance(61_000)
    fail(4)
    expect(breaker.state).toBe('closed')
    fail(1)
    expect(breaker.state).toBe('open')
    expect(breaker.admit()).toBe(false)
  })

  it('lets one call at a time try after its timeout, and closes after three successes', async () => {
    const { clock, states, breaker, fail } = make()
    fail(5)
    await clock.advance(29_999)
    expect(breaker.admit()).toBe(false)
    await clock.advance(1)
    expect([breaker.admit(), breaker.admit(), breaker.admit()]).toEqual([true, false, false])
    breaker.succeeded()
    expect([breaker.admit(), breaker.admit()]).toEqual([true, false])
    breaker.succeeded()
    expect(breaker.state).toBe('half-open')
    breaker.admit()
    breaker.succeeded()
    expect([breaker.state, breaker.admit(), breaker.admit()]).toEqual(['closed', true, true])
    expect(states).toEqual(['open', 'half-open', 'closed'])
  })

  it('a trial that never says how it went keeps the next one out for the timeout, not for ever', async () => {
    const { clock, breaker, fail } = make()
    fail(5)
    await clock.advance(30_000)
    expect([breaker.admit(), breaker.admit()]).toEqual([true, false])
    await clock.advance(29_999)
    expect(breaker.admit()).toBe(false)
    await clock.advance(1)
    expect([breaker.admit(), breaker.admit()]).toEqual([true, false])
  })

  it('opens again at the first failure of a trial', async () => {
    const { clock, breaker, fail } = make()
    fail(5)
    await clock.advance(30_000)
    fail(1)
    expect([breaker.state, breaker.admit()]).toEqual(['open', false])
  })
})
