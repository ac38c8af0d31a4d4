import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createCache, memoryTier } from '../../../src/index.js'
import { type UpstashTierOptions, upstashTier } from '../../../src/upstash/index.js'

const url = 'https://eu1-merry-cat-32748.upstash.io'
const token = 'AXNzYWxsLXRoaXMtaXMtc2VjcmV0'

const refused = (options: object): Error & { code: string; field: string } => {
  try {
    upstashTier({ url, token, ...options } as UpstashTierOptions)
  } catch (error) {
    return error as Error & { code: string; field: string }
  }
  throw new Error('was not refused')
}

describe('refuses, naming the field and the rule', () => {
  test.each<[string, object]>([
    ['url', { url: undefined }],
    ['url', { url: 'eu1-merry-cat-32748.upstash.io' }],
    ['url', { url: 'redis://eu1-merry-cat-32748.upstash.io' }],
    ['url', { url: 'http://eu1-merry-cat-32748.upstash.io' }],
    ['url', { url: `https://user:${token}@host` }],
    ['url', { url: `https://host/?_token=${token}` }],
    ['url', { url: 'https://host/#here' }],
    ['token', { token: undefined }],
    ['token', { token: '' }],
    ['token', { token: `${token}\n` }],
    ['token', { token: `Bearer ${token}` }],
    ['prefix', { prefix: '{shop}' }],
    ['pollInterval', { pollInterval: 500 }],
    ['commandTimeout', { commandTimeout: '0ms' }],
    ['logMaxEntries', { logMaxEntries: 0 }],
    ['maxEntryBytes', { maxEntryBytes: 'much' }],
    ['maxAnswerBytes', { maxAnswerBytes: -1 }],
    ['maxRequests', { maxRequests: 1.5 }],
    ['fencing', { fencing: 'off' }],
    ['allowHttp', { allowHttp: 'yes' }],
    ['fetch', { fetch: {} }],
    ['tokn', { tokn: token }],
  ])('%s: %o', (field, options) => {
    const error = refused(options)
    expect(error).toMatchObject({ code: 'INVALID_OPTION', field: `upstashTier.${field}` })
    expect(error.message).not.toContain(token)
    expect(error.stack).not.toContain(token)
  })

  test('options that are none', () => {
    expect(() => upstashTier(token as unknown as UpstashTierOptions)).toThrow('upstashTier must be an object')
    expect(() => upstashTier(token as unknown as UpstashTierOptions)).not.toThrow(token)
  })
})

describe('accepts', () => {
  test.each(['http://127.0.0.1:8079', 'http://localhost:8079', 'http://[::1]:8079', 'https://host/redis/'])(
    '%s',
    (address) => {
      expect(upstashTier({ url: address, token }).name).toBe('upstash')
    },
  )

  test('http to another machine, if that is said', () => {
    expect(upstashTier({ url: 'http://rest-proxy:80', token, allowHttp: true }).kind).toBe('shared')
  })
})

test('shows its token to nobody who prints it, or the cache it is in', async () => {
  const definition = upstashTier({ url, token })
  const cache = createCache({ tiers: [memoryTier(), definition], ttl: '60s' })
  const printed = [definition, cache, cache.stats()].map((thing) => inspect(thing, { depth: 10, showHidden: true }))
  expect(printed.join()).not.toContain(token)
  expect(JSON.stringify([definition, cache])).not.toContain(token)
  await cache.close()
})

test('fits the default bound and lease of a cache, and refuses a bound below its deadline', async () => {
  await createCache({ tiers: [memoryTier(), upstashTier({ url, token })], ttl: '60s' }).close()
  const tier = upstashTier({ url, token, commandTimeout: '1500ms' })
  expect(() => createCache({ tiers: [memoryTier(), tier], maxStaleness: '1s' })).toThrow('createCache.maxStaleness')
})
