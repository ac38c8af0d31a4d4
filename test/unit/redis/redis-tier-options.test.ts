import { Cluster, Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { InvalidOptionError } from '../../../src/core/errors.js'
import { type RedisTierOptions, redisTier } from '../../../src/redis/index.js'

const client = new Redis({ lazyConnect: true })

function refusal(options: unknown): InvalidOptionError {
  try {
    redisTier(options as RedisTierOptions)
  } catch (error) {
    if (error instanceof InvalidOptionError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test.each<[string, unknown, RegExp]>([
  ['redisTier', undefined, /must be an object/],
  ['redisTier.client', {}, /ioredis 5 or 6, or of node-redis 6/],
  ['redisTier.client', { client: { get: () => {} } }, /must be a client of ioredis/],
  ['redisTier.client', { client: 'redis://localhost' }, /must be a client of ioredis/],
  ['redisTier.client', { client: new Redis({ lazyConnect: true, keyPrefix: 'shop:' }) }, /keyPrefix.*prefix.*'shop:'/],
  [
    'redisTier.client',
    { client: new Cluster([], { lazyConnect: true, redisOptions: { keyPrefix: 'shop:' } }) },
    /keyPrefix.*'shop:'/,
  ],
  ['redisTier.client', { client: new Cluster([], { lazyConnect: true, scaleReads: 'slave' }) }, /read from primaries/],
  [
    'redisTier.client',
    { client: new Redis({ lazyConnect: true, name: 'x', sentinels: [{ host: 'x', port: 1 }], role: 'slave' }) },
    /connected to the primary/,
  ],
  ['redisTier.maxBytes', { client, maxBytes: 0 }, /bytes/],
  ['redisTier.highWaterMark', { client, highWaterMark: 1.1 }, /share above 0, at most 1/],
  ['redisTier.breaker', { client, breaker: true }, /must be an object/],
  ['redisTier.breaker.failures', { client, breaker: { failures: 0 } }, /1 or more/],
  ['redisTier.breaker.successes', { client, breaker: { successes: 1_001 } }, /at most 1000/],
  ['redisTier.breaker.openTime', { client, breaker: { openTime: 500 } }, /unit/],
  ['redisTier.breaker.window', { client, breaker: { window: '0s' } }, /longer than zero/],
  ['redisTier.prefix', { client, prefix: 'a{b}' }, /without braces/],
  ['redisTier.prefix', { client, prefix: 'a b' }, /without braces, spaces/],
  ['redisTier.prefix', { client, prefix: 'x'.repeat(101) }, /at most 100/],
  ['redisTier.prefix', { client, prefix: '\ud800' }, /must be text/],
  ['redisTier.prefix', { client, prefix: 7 }, /must be text/],
  ['redisTier.pollInterval', { client, pollInterval: 500 }, /unit/],
  ['redisTier.pollInterval', { client, pollInterval: '-1s' }, /duration/],
  ['redisTier.commandTimeout', { client, commandTimeout: '0ms' }, /longer than zero/],
  ['redisTier.logMaxEntries', { client, logMaxEntries: 0 }, /1 or more/],
  ['redisTier.logMaxEntries', { client, logMaxEntries: 1.5 }, /whole number/],
  ['redisTier.maxEntryBytes', { client, maxEntryBytes: '8 MB' }, /bytes/],
  ['redisTier.keyPrefix', { client, keyPrefix: 'x' }, /is no option/],
])('refuses %s in %o', (field, options, message) => {
  const error = refusal(options)
  expect(error.field).toBe(field)
  expect(error.message).toMatch(message)
})

test('tells the defaults to the cache, and freezes what it was given', () => {
  const definition = redisTier({ client })
  expect(Object.isFrozen(definition)).toBe(true)
  expect(definition).toMatchObject({ kind: 'shared', name: 'redis' })
})
