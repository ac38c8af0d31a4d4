import { zipfTrace } from './zipf.mjs'

/** A power of two: the loops take positions modulo its length. */
export const TRACE_LENGTH = 1 << 17

const SKEW = 0.99
const UNITS = 10

/** Ten units in each organisation: the keys of a dashboard. */
export const keyOf = (item) => `org:${Math.floor(item / UNITS)}:unit:${item % UNITS}`

/**
 * Resident keys, and the order in which they are asked for. `keys` are texts of one piece, as they come out of a request
 * or a row; `joined` were built from parts and kept: V8 keeps such a text as a pair of pieces, and each look at its
 * characters takes a step more.
 */
export function workload(resident, seed = 1) {
  const trace = zipfTrace({ items: resident, length: TRACE_LENGTH, skew: SKEW, seed })
  const joined = Array.from({ length: resident }, (_, item) => keyOf(item))
  return { trace, keys: JSON.parse(JSON.stringify(joined)), joined }
}

/** What a fill of the hit scenarios brings: small, one object for each key. */
export const valueFor = (key) => ({ key, count: 1 })

/** Every key stored, and everything read once, so that what a cache does at a first use is done. */
export async function seed(side, keys) {
  for (const key of keys) await (side.seed ? side.seed(key, valueFor(key)) : side.getOrFill(key))
  for (const key of keys) await side.getOrFill(key)
}
