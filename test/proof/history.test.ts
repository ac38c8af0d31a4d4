import { describe, expect, it } from 'vitest'
import { History } from '../kit/history.js'

const B = 100
const read = { atMs: 150, client: 2 } as const

describe('the checker of histories', () => {
  it('bites: a strict read older than what was acknowledged before it began', () => {
    const history = new History(B)
    history.acknowledge(2, 149, 1)
    history.begin({ ...read, level: 'strict' }, 'a strict read')(1)
    expect(history.violations).toEqual(['a strict read returned 1, must be at least 2'])
  })

  it('gives a bounded read B, and not more', () => {
    const history = new History(B)
    history.acknowledge(2, 50, 1)
    history.begin({ ...read, level: 'bounded' }, 'a bounded read')(1)
    expect(history.violations).toEqual([])
    history.begin({ ...read, atMs: 150.1, level: 'bounded' }, 'a later one')(1)
    expect(history.violations).toHaveLength(1)
  })

  it('gives no time to who acknowledged it, or was given its receipt', () => {
    const history = new History(B)
    const place = history.acknowledge(2, 149, 1)
    history.begin({ ...read, client: 1, level: 'bounded' }, 'its own read')(1)
    history.begin({ ...read, level: 'bounded', after: place }, 'a read with the receipt')(1)
    expect(history.violations).toHaveLength(2)
  })

  it('asks nothing of what is acknowledged while a read is under way', () => {
    const history = new History(B)
    const end = history.begin({ ...read, level: 'strict' }, 'a strict read')
    history.acknowledge(2, 151, 1)
    end(1)
    expect(history.violations).toEqual([])
  })

  it('remembers the newest, whatever order acknowledgements come in', () => {
    const history = new History(B)
    history.acknowledge(3, 10, 1)
    history.acknowledge(2, 20, 1)
    expect(history.least(150, 'bounded', 9)).toBe(3)
    expect(history.least(15 + B, 'bounded', 9)).toBe(3)
    expect(history.least(5 + B, 'bounded', 9)).toBe(0)
  })

  it('forgives what a failover lost, also to reads under way, and nothing before it', () => {
    const history = new History(B)
    history.acknowledge(2, 100, 1)
    history.acknowledge(3, 120, 1)
    const end = history.begin({ ...read, level: 'strict' }, 'a strict read')
    history.forgive(110)
    end(2)
    expect(history.violations).toEqual([])
    history.begin({ ...read, level: 'strict' }, 'a strict read')(1)
    expect(history.violations).toEqual(['a strict read returned 1, must be at least 2'])
  })

  it('owes nobody what was acknowledged within the slack, at any level, by any receipt', () => {
    const history = new History(100, 50)
    const place = history.acknowledge(1, 1_000, 1)
    for (const level of ['strict', 'bounded'] as const) {
      history.begin({ atMs: 1_050, level, client: 1, after: place }, 'within')(0)
    }
    expect(history.violations).toEqual([])
    history.begin({ atMs: 1_051, level: 'strict', client: 2 }, 'strict')(0)
    history.begin({ atMs: 1_051, level: 'bounded', client: 1 }, 'own')(0)
    history.begin({ atMs: 1_051, level: 'bounded', client: 2, after: place }, 'after')(0)
    expect(history.violations).toHaveLength(3)
    history.begin({ atMs: 1_150, level: 'bounded', client: 2 }, 'bounded')(0)
    expect(history.violations).toHaveLength(3)
    history.begin({ atMs: 1_151, level: 'bounded', client: 2 }, 'bounded')(0)
    expect(history.violations).toHaveLength(4)
  })
})
