import { describe, expect, test } from 'vitest'
import type { SharedTier } from '../../src/core/ports/shared-tier.js'
import { createTwinServer, type Deliver, fakeClock, seededRandom, sharedTier } from '../../src/testing/index.js'

const NAMESPACE = '5:org-7'
const KEY = '5:org-7|unit-counts@1|all'

/** What only the twin can: to hold, cut and lose single messages. */
function twin(deliver?: Deliver) {
  const clock = fakeClock()
  const random = seededRandom(1)
  const server = createTwinServer({ clock, random, deliver })
  const open = (): SharedTier => sharedTier({ server }).open({ cacheName: 'test', clock, random })
  return { clock, server, a: open(), b: open() }
}

/** A network that stops one command in one phase until `release`. */
function holding(phase: string, command: string) {
  let release!: () => void
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const deliver: Deliver = (atPhase, name) => (atPhase === phase && name === command ? released : undefined)
  return { deliver, release }
}

describe('a message on its way', () => {
  test('R8: a deletion whose first step has not arrived has not appended its row', async () => {
    const { deliver, release } = holding('request', 'unlink')
    const { clock, server, a } = twin(deliver)
    const deletion = a.delete(NAMESPACE, [KEY], 'payload', false)
    await clock.settle()
    expect(server.commands).toMatchObject({ unlink: 0, append: 0 })
    release()
    await deletion
    expect(server.commands).toMatchObject({ unlink: 1, append: 1 })
  })

  test('R8: a deletion is not acknowledged between its two steps, and others see the first', async () => {
    const { deliver, release } = holding('request', 'append')
    const { clock, a, b } = twin(deliver)
    await b.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 60_000 }])
    const { row } = await b.tail(0)
    let isAcknowledged = false
    const deletion = a.delete(NAMESPACE, [KEY], 'payload', false).then(() => {
      isAcknowledged = true
    })
    await clock.settle()
    expect((await b.follow(NAMESPACE, [KEY])).states[0]?.leased).toBe(false)
    expect((await b.logSince(0, row!.id, 10)).rows).toHaveLength(1)
    expect(isAcknowledged).toBe(false)
    release()
    await deletion
    expect((await b.logSince(0, row!.id, 10)).rows).toHaveLength(2)
  })

  test('is executed although its reply is still on the way', async () => {
    const { deliver, release } = holding('reply', 'acquire')
    const { clock, a, b } = twin(deliver)
    const acquired = a.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 60_000 }])
    await clock.settle()
    expect((await b.follow(NAMESPACE, [KEY])).states[0]?.leased).toBe(true)
    release()
    expect((await acquired).acquired[0]?.state).toBe('leader')
  })

  test('fails its call at the deadline, and what arrives later is executed and ignored', async () => {
    const { deliver, release } = holding('request', 'acquire')
    const { clock, server, a } = twin(deliver)
    const call = a.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 60_000 }])
    const refused = expect(call).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
    await clock.advance(a.commandTimeoutMs)
    await refused
    release()
    await clock.settle()
    expect(server.commands.acquire).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })

  test.each([
    ['request', 0],
    ['reply', 1],
  ])('rejects its call when the connection breaks at the %s', async (phase, executed) => {
    const { server, a } = twin((atPhase, command) => {
      if (atPhase === phase && command === 'bump') throw new Error('ECONNRESET')
    })
    const bump = a.bump({ namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, origin: 'o', horizonMs: 1 })
    await expect(bump).rejects.toThrow('ECONNRESET')
    expect(server.commands.bump).toBe(executed)
  })
})

describe('a published row', () => {
  test('arrives when the network lets it, and never if it is dropped', async () => {
    const { deliver, release } = holding('push', 'publish')
    const { clock, server, a, b } = twin(deliver)
    const heard: string[] = []
    await b.subscribe?.((_shard, row) => heard.push(row.payload))
    await a.delete(NAMESPACE, [KEY], 'held', false)
    await clock.settle()
    expect(heard).toEqual([])
    release()
    await clock.settle()
    expect(heard).toEqual(['held'])
    server.dropPush = true
    await a.delete(NAMESPACE, [KEY], 'dropped', false)
    server.dropPush = false
    await a.delete(NAMESPACE, [KEY], 'heard', false)
    await clock.settle()
    expect(heard).toEqual(['held', 'heard'])
  })
})

describe('a server told to fail', () => {
  test('rejects the next such command without executing it, once', async () => {
    const { server, a } = twin()
    server.fail('append', new Error('OOM'))
    await expect(a.delete(NAMESPACE, [KEY], 'payload', false)).rejects.toThrow('OOM')
    expect((await a.delete(NAMESPACE, [KEY], 'payload', false)).position.shard).toBe(0)
  })
})

test('gives each namespace a log of its own shard, if there are several', async () => {
  const clock = fakeClock()
  const random = seededRandom(1)
  const server = createTwinServer({ clock, random, shards: 4 })
  const tier = sharedTier({ server }).open({ cacheName: 'test', clock, random })
  const namespaces = Array.from({ length: 40 }, (_, index) => `2:n${index}`)
  expect(new Set(namespaces.map((namespace) => tier.shardOf(namespace))).size).toBe(4)
  for (const namespace of namespaces) {
    const { position } = await tier.delete(namespace, ['k'], namespace, false)
    expect(position.shard).toBe(tier.shardOf(namespace))
    expect((await tier.tail(position.shard)).row?.payload).toBe(namespace)
  }
})

test('is not moved by a client whose wall clock jumps', async () => {
  const { clock, a } = twin()
  const { serverNowMs } = await a.read(NAMESPACE, [KEY])
  clock.wallOffsetMs = 3_600_000
  expect((await a.read(NAMESPACE, [KEY])).serverNowMs).toBe(serverNowMs)
})
