import { describe, expect, test } from 'vitest'
import type { RedisConnection } from '../../../src/redis-protocol/redis-connection.js'
import { RedisGuard } from '../../../src/redis-protocol/redis-guard.js'
import { type FakeClock, fakeClock } from '../../../src/testing/index.js'

const TIMEOUT_MS = 250

interface Scene {
  readonly clock: FakeClock
  readonly guard: RedisGuard
  readonly sent: string[]
  /** How the connection answers from now on; 'silence' never settles. */
  answer: 'yes' | 'silence' | Error
  isUp: boolean
}

function scene({ failures = 1, refusesBroken = false } = {}): Scene {
  const clock = fakeClock()
  const sent: string[] = []
  const connection: RedisConnection = {
    get isUp() {
      return own.isUp
    },
    keepsOrder: true,
    refusesBroken,
    send: async ([name]) => {
      sent.push(name)
      if (own.answer === 'silence') return new Promise<never>(() => {})
      if (own.answer instanceof Error) throw own.answer
      return name
    },
    subscribe: () => {
      throw new Error('not used')
    },
  }
  const breaker = { failures, successes: 1, openMs: 500, windowMs: 10_000 }
  const guard = new RedisGuard(connection, clock, { name: 'redis', commandTimeoutMs: TIMEOUT_MS, breaker })
  const own: Scene = { clock, guard, sent, answer: 'yes', isUp: true }
  return own
}

/** How a call ended. */
function outcome(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  )
}

test('gives a server up that is silent for a whole deadline, and asks nothing but PING until it answers', async () => {
  const own = scene()
  own.answer = 'silence'
  const first = outcome(own.guard.send(['GET', 'a']))
  await own.clock.advance(TIMEOUT_MS)
  expect(await first).toBe('SHARED_TIER_TIMEOUT')
  expect(await outcome(own.guard.send(['GET', 'b']))).toBe('SHARED_TIER_FAILED')
  await own.clock.advance(5_000)
  expect(new Set(own.sent.splice(0).slice(1))).toEqual(new Set(['PING']))
  own.answer = 'yes'
  await own.clock.advance(1_000)
  expect(await outcome(own.guard.send(['GET', 'c']))).toBe('answered')
})

test('does not take one slow command for a server that is gone', async () => {
  const own = scene()
  own.answer = 'silence'
  const slow = outcome(own.guard.send(['GET', 'slow']))
  await own.clock.advance(100)
  own.answer = 'yes'
  await own.guard.send(['GET', 'quick'])
  await own.clock.advance(TIMEOUT_MS)
  expect(await slow).toBe('SHARED_TIER_TIMEOUT')
  expect(own.guard.stateOf('')).toBe('closed')
})

test.each<[string, string, boolean]>([
  ['an error that the server itself says', 'WRONGTYPE Operation against a key', true],
  ['a refusal for want of memory', 'OOM command not allowed', true],
  ['a server that is loading', 'LOADING Redis is loading the dataset in memory', false],
  ['a cluster that is down', 'CLUSTERDOWN Hash slot not served', false],
  ['wrong credentials', 'NOAUTH Authentication required.', false],
  ['a connection that broke', 'Connection is closed.', false],
])('%s (%s): the server stays in service: %s', async (_what, message, staysClosed) => {
  const own = scene()
  own.answer = new Error(message)
  await outcome(own.guard.send(['GET', 'a']))
  expect(own.guard.stateOf('') === 'closed').toBe(staysClosed)
})

test('sends what may wait even to a server that was given up', async () => {
  const own = scene()
  own.answer = new Error('Connection is closed.')
  await outcome(own.guard.send(['GET', 'a']))
  own.answer = 'yes'
  expect(await outcome(own.guard.asks.send(['GET', 'a']))).toBe('SHARED_TIER_FAILED')
  expect(await outcome(own.guard.tells.send(['UNLINK', 'a']))).toBe('answered')
})

describe('over a client that refuses what was under way when its connection broke', () => {
  const broken = new Error('Socket closed unexpectedly')

  test('what may be executed twice is sent once more, anything else is not', async () => {
    const own = scene({ refusesBroken: true })
    own.answer = broken
    expect(await outcome(own.guard.tells.send(['UNLINK', 'a']))).toBe(broken.message)
    expect(own.sent.splice(0)).toEqual(['UNLINK', 'UNLINK'])
    const asking = scene({ refusesBroken: true })
    asking.answer = broken
    await outcome(asking.guard.asks.send(['EVALSHA', 'a']))
    expect(asking.sent).toEqual(['EVALSHA'])
  })

  test('what the server itself refused is not sent again', async () => {
    const own = scene({ refusesBroken: true })
    own.answer = new Error('READONLY You cannot write against a read only replica.')
    await outcome(own.guard.tells.send(['UNLINK', 'a']))
    expect(own.sent).toEqual(['UNLINK'])
  })
})

test('refuses at once while there is no connection, and needs no probe when it is back', async () => {
  const own = scene()
  own.isUp = false
  expect(await outcome(own.guard.send(['GET', 'a']))).toBe('SHARED_TIER_FAILED')
  expect(own.sent).toEqual([])
  own.isUp = true
  expect(await outcome(own.guard.send(['GET', 'a']))).toBe('answered')
})

test('is silent for good after it was closed, and leaves no timer', async () => {
  const own = scene()
  own.answer = 'silence'
  const waiting = outcome(own.guard.send(['GET', 'a']))
  own.guard.close(new Error('closed'))
  expect(await waiting).toBe('closed')
  expect(await outcome(own.guard.send(['GET', 'a']))).toBe('closed')
  expect(await outcome(own.guard.tells.send(['GET', 'a']))).toBe('closed')
  await own.clock.advance(10_000)
  expect(own.clock.pendingTimers).toBe(0)
})
