import { afterEach, describe, expect, it } from 'vitest'
import { SecondBus } from '../../../apps/cold-chain/src/cache/second-bus.ts'
import { definePolicy } from '../../../src/index.ts'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.ts'
import { until } from '../../kit/until.ts'

const count = definePolicy<number>({ name: 'count', ttl: '60s', tags: () => ['alerts'] })

let twins: TwinCaches | undefined
afterEach(() => twins?.close())

/** Two instances, of which the second holds an old value; pub/sub of the cache loses everything. */
async function twoInstances() {
  twins = twinCaches(2, { maxStaleness: '10s', pollInterval: '0ms' })
  const { caches, network } = twins
  const failures: unknown[] = []
  const [first, second] = [caches[0]!.tenant('org-1'), caches[1]!.tenant('org-1')]
  await first.set(count, 'all', 1)
  expect(await second.get(count, 'all')).toBe(1)
  network.hold('push', 'publish', 2)
  const { token } = await first.invalidate({ tags: ['alerts'] })
  const hears: ((...details: unknown[]) => void)[] = []
  const bus = new SecondBus({
    cache: caches[1]!,
    sockets: { tellInstances: () => {}, onInstance: (_, listener) => hears.push(listener) },
    failed: (_, error) => failures.push(error),
  })
  return { second, token, bus, failures, hear: hears[0]! }
}

describe('the second bus', () => {
  it('S2-43: makes an instance follow the log when the first bus has lost the message', async () => {
    const { second, token, bus, failures, hear } = await twoInstances()
    expect(await second.get(count, 'all')).toBe(1)
    hear('org-1', token)
    await bus.settle()
    expect(await second.get(count, 'all')).toBeUndefined()
    expect(failures).toEqual([])
  })

  it('S2-43: a message that is lost, repeated or forged costs nothing but speed', async () => {
    const { second, token, bus, failures, hear } = await twoInstances()
    hear('org-1', 'forged')
    hear(undefined, { a: 1 })
    await bus.settle()
    expect(failures).toHaveLength(2)
    // Nothing was heard in time, and whoever brings the receipt sees the change all the same.
    expect(await second.get(count, 'all', { after: token })).toBeUndefined()
    for (let repeat = 0; repeat < 3; repeat += 1) hear('org-1', token)
    await until(() => bus.settle().then(() => true))
    expect(failures).toHaveLength(2)
  })
})
