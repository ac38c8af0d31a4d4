/** The same numbers for the same seed (mulberry32), in the shape of the library's `Random` port. */
export function seededRandom(seed) {
  let state = seed | 0
  function next() {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  return { next, fillId: () => 'f'.repeat(16), shortId: () => 's'.repeat(8) }
}
