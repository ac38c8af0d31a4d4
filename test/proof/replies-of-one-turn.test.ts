import { afterEach, describe, expect, it } from 'vitest'
import { definePolicy } from '../../src/index.js'
import { Origin, type TwinCaches, twinCaches } from '../kit/twin-caches.js'

/**
 * Replies that arrive in one piece of TCP are handled in one turn of the event loop, and how many promises lie between
 * the socket and the core differs between adapters. So an invalidation may be applied between any two steps of a read.
 */
const PROMISES = 24
const tagged = definePolicy({ name: 'tagged', ttl: '60s', jitter: 0, tags: () => ['t'] })

let open: TwinCaches | undefined

afterEach(async () => {
  await open?.close()
  open = undefined
})

describe('R5: a read and an invalidation of the same process, answered in one turn', () => {
  for (const consistency of ['bounded', 'strict'] as const) {
    for (let between = 0; between < PROMISES; between++) {
      it(`leave nothing old in memory: ${consistency}, ${between} promises apart`, async () => {
        open = twinCaches(2)
        const [a, b] = open.caches as [(typeof open.caches)[0], (typeof open.caches)[0]]
        const origin = new Origin()
        open.server.dropPush = true
        await a.get(tagged, 'other')
        await b.getOrFill(tagged, 'k', origin.load)
        const read = open.network.hold('reply', 'read', 1)
        const early = a.getOrFill(tagged, 'k', origin.load, { consistency })
        await read.reached
        await open.clock.settle()
        const bump = open.network.hold('reply', 'bump', 1)
        origin.version = 2
        const invalidated = a.invalidate({ tags: ['t'] })
        await bump.reached
        read.release()
        for (let left = between; left > 0; left--) await undefined
        bump.release()
        await Promise.all([early, invalidated])
        expect(a.peek(tagged, 'k')).not.toBe(1)
        expect(await a.getOrFill(tagged, 'k', origin.load)).toBe(2)
      })
    }
  }
})
