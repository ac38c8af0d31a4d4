const FILES = {
  Map: 'map.mjs',
  'Map by hand': 'map.mjs',
  'lru-cache': 'lru-cache.mjs',
  'lru-cache ttl': 'lru-cache.mjs',
  'lru-cache fetch': 'lru-cache.mjs',
  'layered-loader': 'layered-loader.mjs',
  'async-cache-dedupe': 'async-cache-dedupe.mjs',
  bentocache: 'bentocache.mjs',
  cacheable: 'cacheable.mjs',
  freshtier: 'freshtier.mjs',
  'freshtier w-tinylfu': 'freshtier.mjs',
  'freshtier lru': 'freshtier.mjs',
}

/**
 * Opens a cache by its name, loading no other. It answers `getOrFill(key)` and, where there is one, the synchronous
 * `peek(key)`; `seed(key, value)` where `getOrFill` does not fill.
 *
 * @param options.fill asynchronous, brings the value of a key
 */
export async function openContender(name, { capacity, ttlMs, fill }) {
  const contenders = Object.values(await import(`./${FILES[name]}`))
  return contenders.find((contender) => contender.name === name).open({ capacity, ttlMs, fill })
}
