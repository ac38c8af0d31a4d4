import { Loader } from 'layered-loader'

export const layeredLoader = {
  name: 'layered-loader',
  open: ({ capacity, ttlMs, fill }) => {
    const loader = new Loader({
      inMemoryCache: { cacheType: 'lru-map', ttlInMsecs: ttlMs, maxItems: capacity },
      dataSourceGetOneFn: fill,
      logger: { error: () => {} },
    })
    return { getOrFill: (key) => loader.get(key), peek: (key) => loader.getInMemoryOnly(key) }
  },
}
