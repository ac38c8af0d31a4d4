import Fastify, { type FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../../src/cli/program.js'
import { freshtier } from '../../../src/fastify/index.js'
import { createCache, definePolicy, memoryTier } from '../../../src/index.js'
import { redisTier } from '../../../src/redis/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { cli } from './run-cli.ts'

const TOKEN = 'a-token-of-the-operator'
const units = definePolicy({ name: 'units', ttl: '1h', tags: () => ['units'] })
const B = 'org-2'

/** Commands that are about one tenant. A new one must be listed here, or below as one about none. */
const COMMANDS_OF_A_TENANT: Record<string, (tenant: string) => string[]> = {
  get: (tenant) => ['get', 'units', 'a', '--tenant', tenant, '--value'],
  explain: (tenant) => ['explain', 'units', 'a', '--tenant', tenant],
  invalidate: (tenant) => ['invalidate', '--tag', 'units', '--entry', 'units:a', '--tenant', tenant],
  purge: (tenant) => ['purge', tenant, '--yes'],
}
const OF_NO_TENANT = ['doctor', 'stats', 'tail', 'disk', 'bench', 'rest-proxy', 'console']

/** Ids of a tenant A that try to be B, or more. */
const OTHERS = ['org-1', 'org-2 ', 'ORG-2', 'org-20', 'org', '*', 'org-?', 'org-[2]', '5:org-2', 'org-2|units@1|a', '2']

let redis: RedisServer
let app: FastifyInstance
let url: string

beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis.stop())

beforeEach(async () => {
  const client = redis.client()
  await client.flushall()
  app = Fastify({ forceCloseConnections: true })
  await app.register(freshtier, {
    open: () => createCache({ name: 'shop', policies: [units], tiers: [memoryTier(), redisTier({ client })] }),
    console: { token: TOKEN },
  })
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  await app.cache.tenant(B).set(units, 'a', 'value-of-b')
})
afterEach(() => app.close())

describe('S3-7: what a command does for tenant A never shows or touches what is of B', () => {
  it('the list of commands is complete', () => {
    const known = COMMANDS.map(({ name }) => name)
    expect(known.filter((name) => !(name in COMMANDS_OF_A_TENANT) && !OF_NO_TENANT.includes(name))).toEqual([])
  })

  const places = {
    'a service': () => ['--url', url, '--token', TOKEN],
    Redis: () => ['--redis', redis.url, '--name', 'shop'],
  }
  describe.each(Object.entries(places))('through %s', (_, place) => {
    it.each(Object.entries(COMMANDS_OF_A_TENANT))('%s', async (_name, args) => {
      const where = place()
      for (const other of OTHERS) {
        const { code, out, err } = await cli([...args(other), ...where])
        expect({ other, isDone: code === 0 || code === 1, err }).toEqual({ other, isDone: true, err: '' })
        expect(out).not.toContain('value-of-b')
        expect(await app.cache.tenant(B).getEntry(units, 'a', { consistency: 'strict' })).toMatchObject({
          state: 'fresh',
          value: 'value-of-b',
        })
      }
    })
  })

  it('and no token of a tenant is one of the console', async () => {
    for (const args of Object.values(COMMANDS_OF_A_TENANT)) {
      const { code, out } = await cli([...args(B), '--url', url, '--token', 'a-session-token-of-org-1'])
      expect({ code, out }).toEqual({ code: 4, out: '' })
    }
  })
})
