import { describe, expect, it } from 'vitest'
import { HotEntries } from '../../../src/memory/hot-entries.js'

/** More than the look-ups after which a table of the smallest size is judged. */
const MANY = 2_000
/** Fewer than those after which it is looked at for the first time; twice as many are more. */
const FEW = 200

function look(hot: HotEntries, times: number, { answers }: { answers: number }): number {
  let notes = 0
  for (let time = 0; time < times; time++) {
    for (let answer = 0; answer < answers; answer++) hot.answered()
    if (hot.passed(true)) notes++
  }
  return notes
}

describe('the table of hot entries', () => {
  it('is told of one look-up in four that it could not answer', () => {
    expect(look(new HotEntries(() => []), 400, { answers: 9 })).toBe(100)
  })

  it('rests where it answers little, and tries again later', () => {
    const hot = new HotEntries(() => [])
    look(hot, MANY, { answers: 1 })
    expect(hot.isResting).toBe(true)
    expect(look(hot, 1_000, { answers: 0 })).toBe(0)
    let lookUps = 0
    while (hot.isResting && lookUps < 100_000) lookUps += look(hot, 1, { answers: 0 }) + 1
    expect(lookUps).toBeLessThan(20_000)
  })

  it('goes on where it answers most', () => {
    const hot = new HotEntries(() => [])
    look(hot, 10 * MANY, { answers: 9 })
    expect(hot.isResting).toBe(false)
  })

  it('never rests where nobody counts its answers, and begins anew when somebody does', () => {
    const hot = new HotEntries(() => [])
    for (let time = 0; time < MANY; time++) hot.passed(false)
    expect(hot.isResting).toBe(false)
    look(hot, FEW, { answers: 0 })
    expect(hot.isResting).toBe(false)
  })

  it('rests early where it does not catch on, and has time to fill where it does', () => {
    const [slow, quick] = [new HotEntries(() => []), new HotEntries(() => [])]
    look(slow, 2 * FEW, { answers: 0 })
    look(quick, 2 * FEW, { answers: 1 })
    expect(slow.isResting).toBe(true)
    expect(quick.isResting).toBe(false)
    look(quick, MANY, { answers: 1 })
    expect(quick.isResting).toBe(true)
  })

  it('keeps true while it rests: what was forgotten then is not answered afterwards', () => {
    const hot = new HotEntries(() => [])
    const [kept, gone] = ['unit:1', 'unit:2'].map((key, at) => ({
      spaceId: 1,
      key,
      value: key,
      slot: at + 1,
      sequence: 1,
      freshUntilMs: 60_000,
    }))
    hot.note(kept!)
    hot.note(gone!)
    look(hot, MANY, { answers: 0 })
    expect(hot.isResting).toBe(true)
    hot.forget(1, gone!.key, gone!.slot)
    expect(hot.read(1, kept!.key, 1, 0)).toBe(kept!.value)
    expect(hot.read(1, gone!.key, 1, 0)).toBeUndefined()
  })
})
