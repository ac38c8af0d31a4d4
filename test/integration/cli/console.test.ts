import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { startConsoleServer } from '../../../src/cli/console-server.js'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache, definePolicy } from '../../../src/index.js'
import { freePort } from '../../servers/free-port.ts'
import { cli } from './run-cli.ts'

const TOKEN = 'a-token-of-the-operator'
const units = definePolicy({ name: 'units', ttl: '60s', tags: () => ['units'] })
const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

async function startService(token?: string): Promise<{ app: FastifyInstance; url: string }> {
  const app = Fastify({ forceCloseConnections: true })
  const open = () => createCache({ name: 'shop', policies: [units] })
  await app.register(freshtier, { open, console: { token } })
  app.get('/private', () => 'not for the console')
  await app.listen({ host: '127.0.0.1', port: 0 })
  releases.push(() => app.close())
  return { app, url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` }
}

/** A console in front of a service: `ask` as a browser's page would. */
async function startConsole(service: string, token?: string) {
  const server = await startConsoleServer({ service, token, port: 0 })
  releases.push(() => server.close())
  const { origin, hash } = new URL(server.url)
  const session = hash.replace('#token=', '')
  const ask = (path: string, init: RequestInit = {}) => fetch(`${origin}${path}`, init)
  return { ask, session, origin, bearer: { authorization: `Bearer ${session}` } }
}

const CLEAR = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"tenant":"org-7"}' }

describe('a console in front of a service', () => {
  it('serves the page, and the API with a token of its own: the service keeps its own from the browser', async () => {
    const { app, url } = await startService(TOKEN)
    await app.cache.tenant('org-7').set(units, 'a', 1)
    const { ask, session, bearer } = await startConsole(url, TOKEN)
    expect(await (await ask('/')).text()).toContain('<title>freshtier console</title>')
    expect(session).toMatch(/^[\w-]{32}$/)
    const refused: Record<string, string>[] = [
      {},
      { authorization: `Bearer ${TOKEN}` },
      { authorization: 'Bearer nonsense' },
    ]
    for (const headers of refused) {
      expect((await ask('/api/snapshot', { headers })).status).toBe(401)
      expect((await ask('/api/clear', { ...CLEAR, headers: { ...CLEAR.headers, ...headers } })).status).toBe(401)
    }
    const snapshot = await ask('/api/snapshot', { headers: bearer })
    expect(await snapshot.json()).toMatchObject({ canChange: true, caches: [{ name: 'shop' }] })
    const cleared = await ask('/api/clear', { ...CLEAR, headers: { ...CLEAR.headers, ...bearer } })
    expect(await cleared.json()).toMatchObject({ done: 'cleared', tenant: 'org-7' })
    expect(await app.cache.tenant('org-7').get(units, 'a')).toBeUndefined()
  })

  it('hands on the stream as it comes', async () => {
    const { url } = await startService(TOKEN)
    const { ask, bearer } = await startConsole(url, TOKEN)
    const left = new AbortController()
    const { body, headers } = await ask('/api/events', { headers: bearer, signal: left.signal })
    expect(headers.get('content-type')).toContain('text/event-stream')
    const { value } = await body!.pipeThrough(new TextDecoderStream()).getReader().read()
    expect(value).toContain('event: snapshot\n')
    left.abort()
  })

  it('without a token it hands on the one that the page was given, and answers this machine only', async () => {
    const { url } = await startService(TOKEN)
    const { ask, origin } = await startConsole(url)
    expect(origin).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect((await ask('/api/snapshot')).status).toBe(401)
    expect((await ask('/api/snapshot', { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200)
    expect((await ask('/api/snapshot', { headers: { 'x-forwarded-for': '192.0.2.7' } })).status).toBe(403)
  })

  it('refuses a page of another origin', async () => {
    const { app, url } = await startService(TOKEN)
    const { ask, bearer } = await startConsole(url, TOKEN)
    const headers = { ...CLEAR.headers, ...bearer, origin: 'https://evil.example' }
    expect((await ask('/api/clear', { ...CLEAR, headers })).status).toBe(403)
    expect(app.cache.stats().invalidations).toBe(0)
  })

  it.each(['/api/../private', '/api/%2e%2e/private', '/private', '/api/..%2fprivate', '/api/a/b', '/api/'])(
    'reaches nothing else of the service: %s',
    async (path) => {
      const { url } = await startService(TOKEN)
      const { ask, bearer } = await startConsole(url, TOKEN)
      expect((await ask(path, { headers: bearer })).status).toBe(404)
    },
  )

  it('says so when the service is gone, and when a request is too large', async () => {
    const { app, url } = await startService(TOKEN)
    const { ask, bearer } = await startConsole(url, TOKEN)
    const large = { ...CLEAR, headers: { ...CLEAR.headers, ...bearer }, body: 'x'.repeat(200_000) }
    expect((await ask('/api/clear', large)).status).toBe(502)
    await app.close()
    const answered = await ask('/api/snapshot', { headers: bearer })
    expect(answered.status).toBe(502)
    expect(await answered.json()).toMatchObject({ code: 'UNREACHABLE' })
  })
})

describe('npx freshtier console', () => {
  it('prints where it is, and ends when it is interrupted', async () => {
    const { url } = await startService()
    const stop = new AbortController()
    const lines: string[] = []
    const told = once(stop.signal, 'abort')
    const run = cli(['console', '--url', url, '--port', '0', '--json'], {
      signal: stop.signal,
      onLine: (line) => {
        lines.push(line)
        const page = (JSON.parse(line) as { url: string }).url
        void fetch(page).then((answered) => {
          lines.push(String(answered.status))
          stop.abort()
        })
      },
    })
    await told
    expect((await run).code).toBe(0)
    expect(lines[1]).toBe('200')
  })

  it.each([
    [[], 'Say which service'],
    [['--url', 'nonsense'], '--url must be a URL'],
    [['--url', 'http://127.0.0.1:1', '--redis', 'redis://127.0.0.1'], 'not --redis'],
    [['--url', 'http://127.0.0.1:1', '--port', '70000'], '--port must be'],
  ])('refuses bad input: %j', async (args, message) => {
    const { code, err } = await cli(['console', ...args])
    expect(code).toBe(2)
    expect(err).toContain(message)
  })

  it('says that nobody answers, that a port is taken, or that a token is wrong', async () => {
    const nobody = await cli(['console', '--url', `http://127.0.0.1:${await freePort()}`])
    expect(nobody).toMatchObject({ code: 3 })
    const { url } = await startService(TOKEN)
    const port = new URL(url).port
    const env = { FRESHTIER_TOKEN: TOKEN }
    expect((await cli(['console', '--url', url, '--port', port], { env })).err).toContain('choose another with --port')
    const wrong = await cli(['console', '--url', url], { env: { FRESHTIER_TOKEN: `${TOKEN}x` } })
    expect(wrong).toMatchObject({ code: 4 })
    expect(wrong.err).not.toContain(TOKEN)
  })
})
