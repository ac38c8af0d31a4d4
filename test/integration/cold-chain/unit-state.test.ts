import { describe, expect, it } from 'vitest'
import { isInRange, stateAfter, worstState } from '../../../apps/cold-chain/src/domain/unit-state.ts'

const fridge = { minimumCelsius: 2, maximumCelsius: 8, criticalMargin: 2 }

describe('the state of a unit', () => {
  it.each([
    [5, 'normal'],
    [2, 'normal'],
    [8, 'normal'],
    [8.01, 'warning'],
    [1.99, 'warning'],
    [10, 'warning'],
    [10.01, 'critical'],
    [-0.01, 'critical'],
  ] as const)('is %s °C → %s, coming from normal', (celsius, state) => {
    expect(stateAfter(celsius, fridge, 'normal')).toBe(state)
  })

  it('does not flap: it stays a warning until the temperature is clear of the limit', () => {
    expect(stateAfter(7.9, fridge, 'warning')).toBe('warning')
    expect(stateAfter(7.7, fridge, 'warning')).toBe('normal')
    expect(stateAfter(9.9, fridge, 'critical')).toBe('critical')
    expect(stateAfter(9.7, fridge, 'critical')).toBe('warning')
  })

  it('comes back from offline as whatever the temperature says', () => {
    expect(stateAfter(5, fridge, 'offline')).toBe('normal')
    expect(stateAfter(20, fridge, 'offline')).toBe('critical')
  })

  it('counts a reading as in range up to the limits themselves', () => {
    expect([2, 8, 1.99, 8.01].map((celsius) => isInRange(celsius, fridge))).toEqual([true, true, false, false])
  })

  it('of an organisation is the worst of its units', () => {
    const none = { normal: 0, warning: 0, critical: 0, offline: 0 }
    expect(worstState(none)).toBe('normal')
    expect(worstState({ ...none, normal: 3, warning: 1 })).toBe('warning')
    expect(worstState({ ...none, warning: 1, offline: 1 })).toBe('offline')
    expect(worstState({ ...none, offline: 5, critical: 1 })).toBe('critical')
  })
})
