/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seeded(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * `length` draws from `items` items, item of rank r with weight 1 / r^skew. Ranks are dealt to items at random, so that
 * hot items are not neighbours.
 */
export function zipfTrace({ items, length, skew, seed }) {
  const random = seeded(seed)
  const cumulative = new Float64Array(items)
  let total = 0
  for (let rank = 0; rank < items; rank++) {
    total += 1 / (rank + 1) ** skew
    cumulative[rank] = total
  }
  const itemOfRank = shuffled(items, random)
  return Uint32Array.from({ length }, () => itemOfRank[rankAt(cumulative, random() * total)])
}

function shuffled(items, random) {
  const order = Uint32Array.from({ length: items }, (_, index) => index)
  for (let index = items - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1))
    ;[order[index], order[other]] = [order[other], order[index]]
  }
  return order
}

function rankAt(cumulative, point) {
  let low = 0
  let high = cumulative.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (cumulative[middle] < point) low = middle + 1
    else high = middle
  }
  return low
}
