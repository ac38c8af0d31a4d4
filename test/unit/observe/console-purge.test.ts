import { afterEach, expect, it } from 'vitest'
import { definePolicy } from '../../../src/index.js'
import { consoleApi } from '../../../src/observe/index.js'
import { type TwinCaches, twinCaches } from '../../kit/twin-caches.ts'

const TOKEN = 'a-token-of-the-operator'
const units = definePolicy({ name: 'units', ttl: '1h' })

let twins: TwinCaches
afterEach(() => twins.close())

/** 250 entries of org-1 in the shared tier, and the console in front of them. */
async function open() {
  twins = twinCaches(1)
  const { clock } = twins
  const [cache] = twins.caches as [TwinCaches['caches'][0]]
  for (let n = 0; n < 250; n++) await cache.tenant('org-1').set(units, n, n)
  const api = consoleApi(cache, { token: TOKEN, clock })
  const purge = async (body: object): Promise<Record<string, unknown>> => {
    const { status, body: text } = await api.handle({
      method: 'POST',
      path: '/purge',
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${TOKEN}` },
      remoteAddress: '127.0.0.1',
      body,
    })
    return { ...JSON.parse(text as string), status }
  }
  return { cache, clock, api, purge }
}

it('a purge that takes longer answers after two seconds where to go on, and ends with its receipt', async () => {
  const { clock, api, purge } = await open()
  const first = purge({ tenant: 'org-1', keysPerSecond: 40 })
  await clock.advance(2_000)
  const receipt = await first
  expect(receipt).toMatchObject({ done: 'purging', deleted: 100, isDone: false, cleared: expect.any(String) })
  const rest = purge({ tenant: 'org-1', from: receipt.cursor })
  await clock.advance(1_000)
  expect(await rest).toMatchObject({ done: 'purged', found: { entries: 150, leases: 0 }, deleted: 150, isDone: true })
  api.close()
})

it('counts without changing anything, and runs one at a time', async () => {
  const { cache, clock, api, purge } = await open()
  expect(await purge({ tenant: 'org-1', dryRun: true })).toMatchObject({
    done: 'counted',
    found: { entries: 250 },
    deleted: 0,
  })
  expect(await cache.tenant('org-1').get(units, 7)).toBe(7)
  const running = purge({ tenant: 'org-1', keysPerSecond: 1 })
  expect(await purge({ tenant: 'org-2' })).toMatchObject({ status: 409, code: 'PURGE_RUNNING' })
  await clock.advance(2_000)
  await running
  expect(await purge({ tenant: 'org-2' })).toMatchObject({ status: 200, done: 'purged' })
  api.close()
})
