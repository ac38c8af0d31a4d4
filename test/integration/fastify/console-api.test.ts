import { once } from 'node:events'
import { type ClientRequest, get as httpGet, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache, definePolicy } from '../../../src/index.js'
import { until } from '../../kit/until.ts'

const TOKEN = 'a-token-of-the-operator'
const units = definePolicy({ name: 'units', ttl: '60s', tags: () => ['units'] })

const apps: FastifyInstance[] = []

async function newApp(options: { token?: string; path?: string } = {}): Promise<FastifyInstance> {
  const app = Fastify()
  apps.push(app)
  await app.register(freshtier, { open: () => createCache({ name: 'shop', policies: [units] }), console: options })
  await app.cache.tenant('org-7').getOrFill(units, 'key-<b>', () => ({ secret: 'value-1', at: new Date(0) }))
  return app
}

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

interface Asked {
  url: string
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: object
  remoteAddress?: string
}

async function ask(app: FastifyInstance, { url, method = 'GET', headers = {}, body, remoteAddress }: Asked) {
  const answered = await app.inject({
    url: `/freshtier/api${url}`,
    method,
    headers: { host: '127.0.0.1:3000', ...headers },
    ...(body && { payload: body }),
    ...(remoteAddress && { remoteAddress }),
  })
  const told = JSON.parse(answered.body) as Record<string, unknown>
  return { ...told, status: answered.statusCode, text: answered.body } as Record<string, unknown> & { text: string }
}

const bearer = (token = TOKEN) => ({ authorization: `Bearer ${token}` })
const ENTRY = `/entry?tenant=org-7&policy=units&key=${encodeURIComponent('key-<b>')}`
const INVALIDATE = { url: '/invalidate', method: 'POST', body: { tenant: 'org-7', tags: ['units'] } } as const
const CLEAR = { url: '/clear', method: 'POST', body: { tenant: 'org-7' } } as const
const PURGE = { url: '/purge', method: 'POST', body: { tenant: 'org-7' } } as const
const EVICTION = { url: '/eviction', method: 'POST', body: { eviction: 'sieve' } } as const
const MEASURE = { url: '/measure', method: 'POST', body: { pings: 3 } } as const
const CHANGES = [INVALIDATE, CLEAR, PURGE, EVICTION, MEASURE]

describe('a snapshot', () => {
  it('says how caches, tiers and policies are, without a key, value or function', async () => {
    const app = await newApp()
    const { status, text, caches } = await ask(app, { url: '/snapshot' })
    expect(status).toBe(200)
    expect(caches).toMatchObject([
      {
        name: 'shop',
        health: { status: 'pass' },
        stats: { fills: 1, policies: { units: { misses: 1 } } },
        policies: [{ name: 'units', version: 1, rules: { ttlMs: 60_000, coordinate: { leaseMs: 5_000 } } }],
      },
    ])
    expect(text).not.toMatch(/key-|value-1/)
  })
})

describe('the history', () => {
  it('begins when the console does, and counts what the cache counts', async () => {
    const app = await newApp()
    const { caches } = (await ask(app, { url: '/history' })) as unknown as {
      caches: { name: string; points: object[] }[]
    }
    expect(caches).toMatchObject([{ name: 'shop', points: [{ requests: 0, hits: 0, fills: 0 }] }])
  })
})

describe('without a token', () => {
  it('this machine may look; nobody may change anything or see a value', async () => {
    const app = await newApp()
    expect(await ask(app, { url: ENTRY })).toMatchObject({ status: 200, state: 'fresh', tags: ['units'] })
    expect((await ask(app, { url: ENTRY })).text).not.toContain('value-1')
    for (const asked of [{ url: `${ENTRY}&value=1` }, ...CHANGES]) {
      expect(await ask(app, asked)).toMatchObject({ status: 403, code: 'TOKEN_UNSET' })
    }
    expect(app.cache.stats().invalidations).toBe(0)
  })

  it.each([
    ['another machine', { remoteAddress: '192.0.2.7' }],
    ['a proxy', { headers: { 'x-forwarded-for': '192.0.2.7' } }],
    ['a proxy of the other kind', { headers: { forwarded: 'for=192.0.2.7' } }],
    ['a foreign name that leads here (DNS rebinding)', { headers: { host: 'evil.example' } }],
  ])('%s sees nothing', async (_, how) => {
    const app = await newApp()
    expect(await ask(app, { url: '/snapshot', ...how })).toMatchObject({ status: 403, code: 'TOKEN_UNSET' })
  })
})

describe('with a token', () => {
  it('everything needs it, and a wrong one is as good as none', async () => {
    const app = await newApp({ token: TOKEN })
    for (const asked of [{ url: '/snapshot' }, { url: '/history' }, { url: ENTRY }, { url: '/nothing' }, ...CHANGES]) {
      expect(await ask(app, asked)).toMatchObject({ status: 401, code: 'TOKEN_REQUIRED' })
      const wrong = { ...asked, headers: bearer(`${TOKEN}x`) }
      expect(await ask(app, wrong)).toMatchObject({ status: 401, code: 'TOKEN_REQUIRED' })
    }
    expect(app.cache.stats().invalidations).toBe(0)
  })

  it('values are shown when they are asked for', async () => {
    const app = await newApp({ token: TOKEN })
    const hidden = await ask(app, { url: ENTRY, headers: bearer(), remoteAddress: '192.0.2.7' })
    expect(hidden).toMatchObject({ status: 200, state: 'fresh', key: 'key-<b>' })
    expect(hidden).not.toHaveProperty('value')
    const shown = await ask(app, { url: `${ENTRY}&value=1`, headers: bearer() })
    expect(shown.value).toEqual({ secret: 'value-1', at: { $: 'Date', v: '1970-01-01T00:00:00.000Z' } })
    const missing = await ask(app, { url: ENTRY.replace('org-7', 'org-8'), headers: bearer() })
    expect(missing).toMatchObject({ state: 'missing', tenant: 'org-8' })
  })

  it('changes are made, and tell what they did', async () => {
    const app = await newApp({ token: TOKEN })
    const { status, done, tags, tenant } = await ask(app, { ...INVALIDATE, headers: bearer() })
    expect({ status, done, tags, tenant }).toEqual({
      status: 200,
      done: 'invalidated',
      tags: ['units'],
      tenant: 'org-7',
    })
    expect(await app.cache.tenant('org-7').get(units, 'key-<b>')).toBeUndefined()
    await app.cache.tenant('org-7').set(units, 'b', 1)
    const byKey = { tenant: 'org-7', entries: [['units', 'b']] }
    expect(await ask(app, { ...INVALIDATE, body: byKey, headers: bearer() })).toMatchObject({ status: 200, entries: 1 })
    await app.cache.tenant('org-7').set(units, 'c', 1)
    await app.cache.tenant('org-8').set(units, 'c', 1)
    expect(await ask(app, { ...CLEAR, headers: bearer() })).toMatchObject({ done: 'cleared', tenant: 'org-7' })
    expect(await app.cache.tenant('org-7').get(units, 'c')).toBeUndefined()
    expect(await app.cache.tenant('org-8').get(units, 'c')).toBe(1)
  })

  it('S3-7: a tenant is purged, and none whose name is like it', async () => {
    const app = await newApp({ token: TOKEN })
    for (const tenant of ['org-70', 'ORG-7', 'org-?', '*', 'b']) await app.cache.tenant(tenant).set(units, 'c', tenant)
    for (const tenant of ['org-?', '*', 'org', '5:org-7']) {
      expect(await ask(app, { ...PURGE, body: { tenant }, headers: bearer() })).toMatchObject({
        done: 'purged',
        tenant,
      })
    }
    expect((await app.cache.tenant('org-7').getEntry(units, 'key-<b>')).state).toBe('fresh')
    expect(await ask(app, { ...PURGE, headers: bearer() })).toMatchObject({ done: 'purged', cache: 'shop' })
    expect((await app.cache.tenant('org-7').getEntry(units, 'key-<b>')).state).toBe('missing')
    for (const tenant of ['org-70', 'ORG-7', 'b']) expect(await app.cache.tenant(tenant).get(units, 'c')).toBe(tenant)
  })

  it('the eviction of memory is changed while it runs, and every entry stays', async () => {
    const app = await newApp({ token: TOKEN })
    const told = await ask(app, { ...EVICTION, headers: bearer() })
    expect(told).toMatchObject({ done: 'eviction-changed', from: 'w-tinylfu', to: 'sieve', entries: 1 })
    expect(app.cache.stats().tiers.memory).toMatchObject({ eviction: 'sieve', entries: 1 })
  })

  it('a measurement pings what is outside the process, and touches nothing', async () => {
    const app = await newApp({ token: TOKEN })
    const before = app.cache.stats()
    expect(await ask(app, { ...MEASURE, headers: bearer() })).toMatchObject({ done: 'measured', asked: 3, tiers: [] })
    expect(app.cache.stats().requests).toBe(before.requests)
  })

  it.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin that can be named', { origin: 'null' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:4000' }],
    ['another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
  ])('a page of %s changes nothing', async (_, headers) => {
    const app = await newApp({ token: TOKEN })
    for (const change of CHANGES) {
      const refused = await ask(app, { ...change, headers: { ...bearer(), ...headers } })
      expect(refused).toMatchObject({ status: 403, code: 'FOREIGN_ORIGIN' })
    }
    expect(app.cache.stats().tiers.memory?.eviction).toBe('w-tinylfu')
    expect(app.cache.stats().invalidations).toBe(0)
    const own = { ...bearer(), origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-origin' }
    expect((await ask(app, { ...INVALIDATE, headers: own })).status).toBe(200)
  })

  it.each([
    ['/invalidate', { tags: ['units'], cache: 'other' }, 'cache must be one of shop'],
    ['/invalidate', {}, 'invalidate must name tags or entries'],
    ['/invalidate', { tags: 'units' }, 'invalidate.tags must be'],
    ['/invalidate', { entries: [['nothing', 'a']] }, 'policy must be one of units'],
    ['/invalidate', { tag: ['units'] }, "did you mean 'tags'?"],
    ['/invalidate', { tags: ['a'], tenant: 'x'.repeat(200) }, 'tenant must be text of 1 to 128 characters'],
    ['/clear', {}, "clear.tenant must name a tenant, or be ''"],
    ['/purge', {}, 'purge.tenant must name a tenant'],
    ['/purge', { tenant: '' }, 'purge.tenant must name a tenant'],
    ['/purge', { tenant: 'x'.repeat(200) }, 'tenant must be text of 1 to 128 characters'],
    ['/purge', { tenant: 'org-7', keysPerSecond: 0 }, 'purge.keysPerSecond must be a whole number from 1 to 1000000'],
    ['/purge', { tenant: 'org-7', from: '*' }, 'purge.from must be the cursor of a receipt'],
    ['/purge', { tenant: 'org-7', signal: 1 }, 'purge.signal is no option'],
    ['/eviction', {}, "must be 'w-tinylfu' or 'lru'"],
    ['/eviction', { eviction: 'random' }, "must be 'w-tinylfu' or 'lru'"],
    ['/measure', { pings: 0 }, 'measure.pings must be a whole number from 1 to 1000'],
    ['/measure', { pings: 1_001 }, 'measure.pings must be a whole number from 1 to 1000'],
  ])('bad input to %s is refused: %o', async (url, body, message) => {
    const app = await newApp({ token: TOKEN })
    const refused = await ask(app, { url, method: 'POST', body, headers: bearer() })
    expect(refused.status).toBe(400)
    expect(refused.message).toContain(message)
  })

  it.each([
    ['tenent=org-7&policy=units&key=a', "query.tenent is no option (did you mean 'tenant'?)"],
    ['tenant=org-7&policy=units&number=', 'query.number must be a whole number'],
    ['tenant=org-7&policy=units&number=0x1', 'query.number must be a whole number'],
    ['tenant=org-7&policy=units', 'key must be text of at most 8192 characters, or a safe integer'],
    ['policy=other&key=a', 'policy must be one of units'],
  ])('bad input to /entry and /explain is refused: %s', async (query, message) => {
    const app = await newApp({ token: TOKEN })
    for (const path of ['/entry', '/explain']) {
      const refused = await ask(app, { url: `${path}?${query}`, headers: bearer() })
      expect(refused).toMatchObject({ status: 400, message: expect.stringContaining(message) as unknown })
    }
  })

  it('a method or path that is none is refused', async () => {
    const app = await newApp({ token: TOKEN })
    expect(await ask(app, { url: '/clear', headers: bearer() })).toMatchObject({ status: 405 })
    for (const url of ['/nothing', '/../../etc/passwd', '/__proto__', '/constructor']) {
      expect((await ask(app, { url, headers: bearer() })).status).toBe(404)
    }
  })

  it('one that could be guessed is refused, and not repeated', async () => {
    await expect(newApp({ token: 'short' })).rejects.toThrow(
      "consoleApi.token must be text of at least 16 characters; got '***'.",
    )
  })
})

describe('the stream', () => {
  /** Opens it for real; collects its text. */
  async function watch(
    app: FastifyInstance,
  ): Promise<{ text: () => string; request: ClientRequest; ended: Promise<unknown> }> {
    const { port } = app.server.address() as AddressInfo
    const request = httpGet({ port, host: '127.0.0.1', path: '/freshtier/api/events' })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.headers['content-type']).toContain('text/event-stream')
    let text = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    response.on('error', () => {})
    const ended = new Promise((resolve) => response.once('close', resolve))
    return { text: () => text, request, ended }
  }

  it('tells snapshots and events, not hits and no value, until the client leaves', async () => {
    const app = await newApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { text, request } = await watch(app)
    await until(() => text().includes('event: snapshot\n'), { what: 'a snapshot' })
    for (let n = 0; n < 3; n++) await app.cache.tenant('org-9').getOrFill(units, 'key-2', () => ({ secret: 'value-2' }))
    const fail = () => Promise.reject(new Error('postgres://app:hunter2@db is gone'))
    await app.cache.getOrFill(units, 'broken', fail).catch(() => {})
    await until(() => text().includes('"type":"fill-failed"'), { what: 'the failed fill' })
    expect(text()).toContain('"type":"filled","policy":"units","tenant":"org-9","key":"key-2"')
    expect(text()).toContain('postgres://***@db is gone')
    expect(text()).not.toMatch(/"type":"hit"|value-\d|hunter2/)
    request.destroy()
  })

  it('names the tenants that ask most, counted while somebody watches', async () => {
    const app = await newApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { text, request } = await watch(app)
    for (let n = 0; n < 5; n++) await app.cache.tenant('org-9').getOrFill(units, 'a', () => 1)
    await app.cache.tenant('org-7').get(units, 'b')
    await until(() => text().includes('"top":[{"tenant":"org-9","requests":5,"hits":4'), { what: 'the tenants' })
    expect(text()).toMatch(/"tenant":"org-7","requests":1,"hits":0/)
    request.destroy()
  })

  it('counts what it leaves out, and ends when the server closes', async () => {
    const app = await newApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { text, ended } = await watch(app)
    await until(() => text().includes('event: snapshot\n'), { what: 'a snapshot' })
    for (let n = 0; n < 300; n++) await app.cache.getOrFill(units, n, () => n)
    await app.cache.invalidate({ tags: ['in the storm'] })
    await until(() => text().includes('event: dropped\n'), { what: 'the count' })
    expect(text()).toContain('"tags":["in the storm"]')
    const dropped = Number(/event: dropped\ndata: \{"count":(\d+)\}/.exec(text())![1])
    const told = [...text().matchAll(/event: cache\n/g)].length
    expect(told + dropped).toBeGreaterThanOrEqual(600)
    await app.close()
    await ended
  })

  it('is for 20 at once', async () => {
    const app = await newApp()
    await app.listen({ host: '127.0.0.1', port: 0 })
    const watching = await Promise.all(Array.from({ length: 20 }, () => watch(app)))
    expect(await ask(app, { url: '/events' })).toMatchObject({ status: 429, code: 'TOO_MANY_STREAMS' })
    watching[0]!.request.destroy()
    await until(async () => (await peekStatus(app)) === 200, { what: 'a free place' })
    for (const { request } of watching) request.destroy()
  })

  async function peekStatus(app: FastifyInstance): Promise<number> {
    const { port } = app.server.address() as AddressInfo
    const request = httpGet({ port, host: '127.0.0.1', path: '/freshtier/api/events' })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    response.on('error', () => {})
    request.destroy()
    return response.statusCode!
  }
})
