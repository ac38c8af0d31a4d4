import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/core/system-clock.js'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { createTwinServer, seededRandom, sharedTier } from '../../../src/testing/index.js'
import { until } from '../../kit/until.ts'
import { cli } from './run-cli.ts'

const TOKEN = 'a-token-of-the-operator'
const units = definePolicy({ name: 'units', ttl: '1h', tags: () => ['units'] })

let app: FastifyInstance
let url: string

beforeEach(async () => {
  // A connection that has just become idle would keep the server open for a minute.
  app = Fastify({ forceCloseConnections: true })
  await app.register(freshtier, {
    open: () => createCache({ name: 'shop', policies: [units] }),
    console: { token: TOKEN },
  })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  await app.cache.tenant('org-1').getOrFill(units, 'a', () => 'value-1')
})

afterEach(() => app.close())

const withToken = { env: { FRESHTIER_TOKEN: TOKEN } }
const json = (text: string) => JSON.parse(text) as Record<string, unknown>

describe('a running service', () => {
  it('shows its stats, as text and as JSON', async () => {
    await app.cache.tenant('org-1').getOrFill(units, 'a', () => 'value-1')
    const { code, out } = await cli(['stats', '--url', url], withToken)
    expect(code).toBe(0)
    expect(out).toContain('shop  ✓ pass\n2 requests, 50.0 % answered without waiting, 2 tenants')
    expect(out).toMatch(/^units +2 +50\.0 % +1 +0 +\S+ ms$/m)
    const { out: text } = await cli(['stats', '--url', `${url}/`, '--json'], withToken)
    expect(json(text)).toMatchObject({ caches: [{ name: 'shop', stats: { requests: 2 } }] })
  })

  it('has no colour unless it is for a terminal', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
    const escapes = /\u001b/
    expect((await cli(['stats', '--url', url], withToken)).out).not.toMatch(escapes)
    expect((await cli(['stats', '--url', url], { ...withToken, hasColour: true })).out).toMatch(escapes)
  })

  it('shows an entry, and its value when asked', async () => {
    const args = ['get', 'units', 'a', '--tenant', 'org-1', '--url', url]
    expect(await cli(args, withToken)).toMatchObject({ code: 0, out: expect.not.stringContaining('value-1') })
    expect((await cli([...args, '--value'], withToken)).out).toContain('value    value-1')
    expect((await cli(['get', 'units', 'b', '--url', url], withToken)).code).toBe(1)
  })

  it('takes a tenant out, and tells what it found', async () => {
    const server = createTwinServer({ clock: systemClock, random: seededRandom(1) })
    const tiers = [memoryTier(), sharedTier({ server })]
    const cache = createCache({ name: 'shared', policies: [units], tiers })
    const shared = Fastify({ forceCloseConnections: true })
    await shared.register(freshtier, { cache, console: { token: TOKEN } })
    const there = await shared.listen({ host: '127.0.0.1', port: 0 })
    for (let n = 0; n < 250; n++) await cache.tenant('org-1').set(units, n, n)
    await cache.tenant('org-2').set(units, 'a', 1)
    const purge = ['purge', 'org-1', '--url', there, '--json']
    expect(json((await cli([...purge, '--dry-run'], withToken)).out)).toMatchObject({
      found: { entries: 250 },
      deleted: 0,
    })
    expect((await cli(purge, withToken)).code).toBe(2)
    // More than one answer of the service: what the first hundred keys cost is more than it takes at a time.
    const { code, out } = await cli([...purge, '--yes', '--rate', '80'], withToken)
    expect(code).toBe(0)
    expect(json(out)).toEqual({
      tenant: 'org-1',
      isDryRun: false,
      cleared: expect.stringMatching(/^\d+:/),
      found: { entries: 250, leases: 0 },
      deleted: 250,
      steps: 3,
      cursor: '0',
      isDone: true,
    })
    expect(await cache.tenant('org-2').get(units, 'a')).toBe(1)
    await shared.close()
    await cache.close()
  })

  it('is looked at by the doctor', async () => {
    const { code, out } = await cli(['doctor', '--url', url], withToken)
    expect(code).toBe(0)
    expect(out).toMatch(/^shop\n✓ good +tiers +memory only/)
  })

  it('explains a key', async () => {
    const args = ['explain', 'units', 'a', '--tenant', 'org-1', '--url', url]
    const { code, out } = await cli(args, withToken)
    expect(code).toBe(0)
    expect(out).toMatch(/^units@1 a of org-1: a read is answered by memory\n {2}memory +fresh /)
    await app.cache.tenant('org-1').invalidate({ tags: ['units'] })
    expect((await cli(args, withToken)).out).toMatch(/answered by a fill[\s\S]+units +hard +local/)
  })

  it('invalidates', async () => {
    const args = ['invalidate', '--tag', 'units', '--tenant', 'org-1', '--url', url]
    expect((await cli(args, withToken)).code).toBe(0)
    expect(await app.cache.tenant('org-1').get(units, 'a')).toBeUndefined()
  })

  it('shows what happens', async () => {
    let isReady = false
    const running = cli(['tail', '--url', url, '--type', 'invalidated', '--max', '1', '--json'], withToken)
    void running.then(() => {
      isReady = true
    })
    while (!isReady) {
      await app.cache.tenant('org-1').invalidate({ tags: ['units'] })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { code, out } = await running
    expect(code).toBe(0)
    expect(json(out)).toMatchObject({ type: 'invalidated', cache: 'shop', tenant: 'org-1', tags: ['units'] })
  })

  it('can be interrupted while it shows nothing, also after the garbage collector ran', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const stop = new AbortController()
    let lines = 0
    const running = cli(['tail', '--url', url], { ...withToken, signal: stop.signal, onLine: () => void lines++ })
    const isShown = async () => {
      await app.cache.invalidate({ tags: ['units'] })
      return lines > 0
    }
    await until(isShown, { what: 'a line' })
    for (let turn = 0; turn < 3; turn++) {
      collect()
      await new Promise((resolve) => setImmediate(resolve))
    }
    stop.abort()
    expect((await running).code).toBe(130)
  })

  it.each([
    ['none', {}],
    ['a wrong one', { env: { FRESHTIER_TOKEN: `${TOKEN}x` } }],
  ])('refuses everything with 4 where the token is %s', async (_, how) => {
    for (const args of [['stats'], ['get', 'units', 'a'], ['invalidate', '--tag', 'units'], ['tail']]) {
      const { code, out, err } = await cli([...args, '--url', url], how)
      expect({ code, out }).toEqual({ code: 4, out: '' })
      expect(err).toContain('Send the token of the console')
      expect(err).not.toContain(TOKEN)
    }
    expect(app.cache.stats().invalidations).toBe(0)
  })

  it('says what is wrong with what it was asked', async () => {
    const unknown = await cli(['get', 'nothing', 'a', '--url', url], withToken)
    expect(unknown).toMatchObject({ code: 2, err: "error: policy must be one of units; got 'nothing'." })
    const elsewhere = await cli(['stats', '--url', `${url}/elsewhere`], withToken)
    expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining('There is no console API at') })
  })
})
