import { expect, test } from 'vitest'
import { fakeClock } from '../../../src/testing/index.js'

test('runs timers in the order of their time, then of their setting, each at its moment', async () => {
  const clock = fakeClock({ startMs: 0 })
  const ran: string[] = []
  const note = (name: string) => () => ran.push(`${name}@${clock.now()}`)
  clock.setTimer(note('b'), 20)
  clock.setTimer(note('a'), 10)
  clock.setHousekeepingTimer(note('c'), 20)
  await clock.advance(19)
  expect(ran).toEqual(['a@10'])
  await clock.advance(1)
  expect(ran).toEqual(['a@10', 'b@20', 'c@20'])
  expect(clock.now()).toBe(20)
})

test('lets promises settle between timers, and runs the timers they set', async () => {
  const clock = fakeClock({ startMs: 0 })
  const ticks: number[] = []
  const tick = async (): Promise<void> => {
    for (let hop = 0; hop < 50; hop++) await undefined
    ticks.push(clock.now())
    if (ticks.length < 4) clock.setTimer(() => void tick(), 10)
  }
  clock.setTimer(() => void tick(), 10)
  await clock.advance(100)
  expect(ticks).toEqual([10, 20, 30, 40])
  expect(clock.pendingTimers).toBe(0)
})

test('does not run a cancelled timer', async () => {
  const clock = fakeClock()
  let hasRun = false
  const cancel = clock.setTimer(() => {
    hasRun = true
  }, 5)
  cancel()
  cancel()
  await clock.advance(10)
  expect(hasRun).toBe(false)
})

test('moves the wall clock with time, and by itself when told', async () => {
  const clock = fakeClock({ wallStartMs: 1_000_000 })
  await clock.advance(5)
  expect(clock.wallNow()).toBe(1_000_005)
  clock.wallOffsetMs = -3_600_000
  expect(clock.wallNow()).toBe(1_000_005 - 3_600_000)
  expect(clock.coarseNow()).toBe(clock.now())
})
