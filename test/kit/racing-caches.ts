import { afterEach } from 'vitest'
import { type Cache, definePolicy } from '../../src/index.js'
import { type TwinCaches, twinCaches } from './twin-caches.js'

/**
 * What the tests of races have in common. Caches share a twin server; the first is client 1. An "old value" is one that
 * the origin no longer had when an invalidation was acknowledged.
 */
export const policy = definePolicy({ name: 'row', ttl: '60s', jitter: 0 })
export const tagged = definePolicy({ name: 'tagged', ttl: '60s', jitter: 0, tags: () => ['t'] })
export const revalidated = definePolicy({
  name: 'revalidated',
  ttl: '60s',
  jitter: 0,
  stale: { whileRevalidate: '30s' },
  tags: () => ['t'],
})

let open: TwinCaches | undefined

/** One cache, `a`, or two for one test, closed after it. */
export function setUp(count: 1 | 2): TwinCaches & { readonly a: Cache; readonly b: Cache } {
  open = twinCaches(count)
  const [a, b] = open.caches as [Cache, Cache]
  return { ...open, a, b }
}

afterEach(async () => {
  await open?.close()
  open = undefined
})
