/**
 * Requests of a trace that a cold cache answers: get, else set.
 *
 * @param cache `{ get(key), set(key) }`; `get` says whether it was held.
 * @param sizes bytes by key; what they add up to over the hits is counted as well.
 * @returns {{ hits: number, bytes: number }}
 */
export function replay(cache, keys, sizes) {
  let hits = 0
  let bytes = 0
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]
    if (cache.get(key)) {
      hits++
      if (sizes) bytes += sizes[key]
    } else cache.set(key)
  }
  return { hits, bytes }
}
