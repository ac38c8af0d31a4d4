const keyOf = (id) => `org:${id % 997}:unit:${id}`

/** Ways of asking. Strings are built before or during the measurement, integers are what they are. */
export const KEYS = ['reused strings', 'built strings', 'integers']

/** Keys `0` to `count - 1` of a kind, built anew: a caller rarely still has the very string that was stored. */
export function keysOf(kind, count) {
  return Array.from({ length: count }, (_, id) => (kind === 'integers' ? id : keyOf(id)))
}

export { keyOf }
