import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, it } from 'vitest'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache } from '../../../src/index.js'

const apps: FastifyInstance[] = []
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close()
})

async function newApp(console: { path?: string; token?: string } = {}): Promise<FastifyInstance> {
  const app = Fastify()
  apps.push(app)
  await app.register(freshtier, { open: () => createCache({ name: 'shop', ttl: '60s' }), console })
  return app
}

const ask = (app: FastifyInstance, url: string, headers: Record<string, string> = {}) =>
  app.inject({ url, headers: { host: '127.0.0.1:3000', ...headers } })

/** Every file that the page names, relative to it. */
function filesOf(html: string): string[] {
  return [...html.matchAll(/(?:src|href)="\.\/([^"]+)"/g)].map((match) => match[1]!)
}

describe('the page of the console', () => {
  it('is served with its files, of the right kinds, under a policy that lets nothing else in', async () => {
    const app = await newApp()
    const page = await ask(app, '/freshtier/')
    expect(page.statusCode).toBe(200)
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8')
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).not.toMatch(/unsafe|\*|https?:|data:/)
    const kinds: Record<string, string> = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }
    const files = filesOf(page.body)
    expect(files.map((name) => name.split('.').pop()).sort()).toEqual(['css', 'js', 'svg'])
    for (const name of files) {
      const { statusCode, headers } = await ask(app, `/freshtier/${name}`)
      expect({ name, statusCode, nosniff: headers['x-content-type-options'] }).toMatchObject({
        statusCode: 200,
        nosniff: 'nosniff',
      })
      expect(headers['content-type']).toContain(kinds[name.split('.').pop()!])
    }
  })

  it('holds no address of anybody else, and no script or style in itself', async () => {
    const { body } = await ask(await newApp(), '/freshtier/')
    expect(body).not.toMatch(/https?:|<style|style=|<script(?![^>]*src=)/)
  })

  it('is at any path, with or without the last slash', async () => {
    for (const path of ['/ops/cache', '/ops/cache/']) {
      const app = await newApp({ path })
      const { statusCode, headers } = await ask(app, '/ops/cache')
      expect({ statusCode, location: headers.location }).toEqual({ statusCode: 308, location: 'cache/' })
      expect((await ask(app, '/ops/cache/')).statusCode).toBe(200)
      expect((await ask(app, '/ops/cache/api/snapshot')).statusCode).toBe(200)
    }
  })

  it('is not sent again if the browser has it', async () => {
    const app = await newApp()
    const { headers } = await ask(app, '/freshtier/')
    expect(headers['cache-control']).toBe('no-cache')
    const again = await ask(app, '/freshtier/', { 'if-none-match': String(headers.etag) })
    expect({ statusCode: again.statusCode, body: again.body }).toEqual({ statusCode: 304, body: '' })
  })

  it('shows itself to everybody, and data to nobody without the token', async () => {
    const app = await newApp({ token: 'a-token-of-the-operator' })
    expect((await app.inject({ url: '/freshtier/', remoteAddress: '192.0.2.7' })).statusCode).toBe(200)
    for (const path of ['snapshot', 'history', 'events', 'doctor', 'entry', 'explain']) {
      expect((await ask(app, `/freshtier/api/${path}`)).statusCode).toBe(401)
    }
  })

  it.each([
    '/freshtier/../package.json',
    '/freshtier/../../../../etc/passwd',
    '/freshtier/%2e%2e/index.js',
    '/freshtier/%2e%2e%2findex.js',
    '/freshtier/..%2f..%2fpackage.json',
    '/freshtier/..%5c..%5cpackage.json',
    '/freshtier/assets/../../index.js',
    '/freshtier//etc/passwd',
    '/freshtier/assets/',
    '/freshtier/index.html%00.js',
    '/freshtier/__proto__',
    '/freshtier/constructor',
  ])('gives nothing but its files: %s', async (url) => {
    const { statusCode, body } = await ask(await newApp(), url)
    expect([400, 404]).toContain(statusCode)
    expect(body).not.toMatch(/freshtier"|root:|export /)
  })
})
