import { afterEach } from 'vitest'
import { definePolicy } from '../../src/index.js'
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

/** Some caches for one test, closed after it. */
export function setUp(count: number): TwinCaches {
  open = twinCaches(count)
  return open
}

afterEach(async () => {
  await open?.close()
  open = undefined
})
