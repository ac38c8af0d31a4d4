import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'

/** `serialize: false` is its quicker mode: values by reference, as everybody else here. */
export const bentocache = {
  name: 'bentocache',
  open: ({ capacity, ttlMs, fill }) => {
    const driver = memoryDriver({ maxItems: capacity, serialize: false })
    const cache = new BentoCache({
      default: 'memory',
      stores: { memory: bentostore({ ttl: ttlMs }).useL1Layer(driver) },
    })
    return { getOrFill: (key) => cache.getOrSet({ key, factory: () => fill(key) }) }
  },
}
