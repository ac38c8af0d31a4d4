import { expect, test } from 'vitest'
import { RedisDeadlines } from '../../../src/redis-protocol/redis-deadlines.js'
import { fakeClock } from '../../../src/testing/index.js'

const never = () => new Promise<never>(() => {})

test('lets an answer through that comes in time', async () => {
  const clock = fakeClock()
  const deadlines = new RedisDeadlines(clock, 100, 'redis')
  expect(await deadlines.race(Promise.resolve(7))).toBe(7)
  await expect(deadlines.race(Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  await clock.advance(100)
  expect(clock.pendingTimers).toBe(0)
})

test('rejects each call when its own time is over, with one timer for all', async () => {
  const clock = fakeClock()
  const deadlines = new RedisDeadlines(clock, 100, 'redis')
  const endedAt: number[] = []
  for (const startMs of [0, 30, 60]) {
    await clock.advance(startMs === 0 ? 0 : 30)
    deadlines.race(never()).catch((error: { code: string }) => {
      expect(error.code).toBe('SHARED_TIER_TIMEOUT')
      endedAt.push(clock.now() - 1_000)
    })
    expect(clock.pendingTimers).toBe(1)
  }
  await clock.advance(1_000)
  expect(endedAt).toEqual([100, 130, 160])
  expect(clock.pendingTimers).toBe(0)
})

test('ignores an answer or an error that comes too late', async () => {
  const clock = fakeClock()
  const deadlines = new RedisDeadlines(clock, 100, 'redis')
  let refuse!: (error: Error) => void
  const late = new Promise<never>((_, reject) => {
    refuse = reject
  })
  const call = deadlines.race(late)
  call.catch(() => {})
  await clock.advance(100)
  refuse(new Error('late'))
  await expect(call).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
})

test('looks at the rest of the queue only when its head falls due', async () => {
  const clock = fakeClock()
  const deadlines = new RedisDeadlines(clock, 100, 'redis')
  for (let call = 0; call < 1_000; call++) await deadlines.race(Promise.resolve(call))
  expect(clock.pendingTimers).toBe(1)
  await clock.advance(100)
  expect(clock.pendingTimers).toBe(0)
})

test('rejects what waits when it is closed, and leaves no timer', async () => {
  const clock = fakeClock()
  const deadlines = new RedisDeadlines(clock, 100, 'redis')
  const call = deadlines.race(never())
  deadlines.close(new Error('closed'))
  await expect(call).rejects.toThrow('closed')
  expect(clock.pendingTimers).toBe(0)
})

test('blames nobody for what this process was too busy to read: a late timer lets the sockets speak first', async () => {
  const clock = fakeClock()
  let busyMs = 0
  const deadlines = new RedisDeadlines({ ...clock, now: () => clock.now() + busyMs }, 100, 'redis')
  let answer!: (value: string) => void
  const call = deadlines.race(
    new Promise<string>((resolve) => {
      answer = resolve
    }),
  )
  call.catch(() => {})
  busyMs = 500
  await clock.advance(100)
  answer('it was there all the time')
  await clock.advance(1)
  expect(await call).toBe('it was there all the time')
})
