import { expect, test } from 'vitest'
import { Breaker, checkBreakerOptions } from '../../../src/redis-protocol/breaker.js'
import { type FakeClock, fakeClock } from '../../../src/testing/index.js'

/** A breaker whose probes a test answers; counts how many are under way. */
function scene(options: Parameters<typeof checkBreakerOptions>[0] = {}): {
  clock: FakeClock
  breaker: Breaker
  probes: { resolve: () => void; reject: (error: Error) => void }[]
} {
  const clock = fakeClock()
  const probes: { resolve: () => void; reject: (error: Error) => void }[] = []
  const probe = (): Promise<void> => new Promise((resolve, reject) => probes.push({ resolve, reject }))
  return { clock, probes, breaker: new Breaker(clock, checkBreakerOptions(options, 'breaker'), probe) }
}

test('opens at the last of its failures within the window, not before', async () => {
  const { breaker, clock } = scene({ failures: 3, window: '10s' })
  breaker.fail()
  await clock.advance(10_001)
  breaker.fail()
  breaker.fail()
  expect(breaker.state).toBe('closed')
  breaker.fail()
  expect(breaker.state).toBe('open')
})

test('asks by itself after the open time, once at a time, and closes when told that all is well', async () => {
  const { breaker, clock, probes } = scene({ openTime: '500ms' })
  breaker.fail()
  await clock.advance(499)
  expect(probes).toHaveLength(0)
  await clock.advance(1)
  expect(breaker.state).toBe('probing')
  await clock.advance(60_000)
  expect(probes).toHaveLength(1)
  probes[0]!.resolve()
  await clock.settle()
  expect(breaker.isClosed).toBe(true)
  expect(clock.pendingTimers).toBe(0)
})

test('stays open for another open time when a probe fails', async () => {
  const { breaker, clock, probes } = scene({ openTime: '500ms' })
  breaker.fail()
  await clock.advance(500)
  probes[0]!.reject(new Error('still away'))
  await clock.settle()
  expect(breaker.state).toBe('open')
  await clock.advance(500)
  expect(probes).toHaveLength(2)
})

test('wants all its successes in a row', async () => {
  const { breaker, clock, probes } = scene({ successes: 2, openTime: '500ms' })
  breaker.fail()
  await clock.advance(500)
  probes[0]!.resolve()
  await clock.settle()
  expect(breaker.isClosed).toBe(false)
  probes[1]!.reject(new Error('away again'))
  await clock.advance(500)
  probes[2]!.resolve()
  await clock.settle()
  expect(breaker.isClosed).toBe(false)
  probes[3]!.resolve()
  await clock.settle()
  expect(breaker.isClosed).toBe(true)
})

test('does not count what fails while it is open, and begins anew when it has closed', async () => {
  const { breaker, clock, probes } = scene({ failures: 2, openTime: '500ms' })
  breaker.fail()
  breaker.fail()
  breaker.fail()
  await clock.advance(500)
  probes[0]!.resolve()
  await clock.settle()
  breaker.fail()
  expect(breaker.isClosed).toBe(true)
})

test('leaves no timer and asks nothing once it is closed for good', async () => {
  const { breaker, clock, probes } = scene()
  breaker.fail()
  breaker.close()
  await clock.advance(60_000)
  expect(clock.pendingTimers).toBe(0)
  expect(probes).toHaveLength(0)
})
