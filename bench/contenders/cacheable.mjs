import { Cacheable, KeyvCacheableMemory } from 'cacheable'
import { Keyv } from 'keyv'

/** `useClone: false`: values by reference, as everybody else here. */
export const cacheable = {
  name: 'cacheable',
  open: ({ capacity, ttlMs, fill }) => {
    const store = new KeyvCacheableMemory({ lruSize: capacity, useClone: false })
    const cache = new Cacheable({
      primary: new Keyv({ store, serialize: undefined, deserialize: undefined }),
      ttl: ttlMs,
    })
    return { getOrFill: (key) => cache.getOrSet(key, () => fill(key), { throwErrors: true }) }
  },
}
