import { CONTENDERS, MAP, openContender } from './contenders.mjs'

const ENTRIES = 1_000_000
const CHURN = 1_500_000

/** What an entry takes beside key and value: integer keys, one shared value. */
export const bytes = {
  name: 'bytes',
  figures: [
    { name: 'filled', title: 'filled', digits: 1 },
    { name: 'churned', title: 'after 1.5 M evicting sets', digits: 1 },
  ],
  ratios: [],

  cases: () =>
    CONTENDERS.map((contender) => ({ group: 'bytes an entry, 1 M entries', contender, spec: { contender } })),

  async measure({ contender }) {
    const value = { count: 1 }
    const before = await heldBytes()
    const cache = openContender(contender, ENTRIES)
    for (let id = 0; id < ENTRIES; id++) cache.set(id, value)
    const filled = ((await heldBytes()) - before) / ENTRIES
    // Nobody leaves a Map: more sets would only make it larger.
    if (contender !== MAP) for (let id = ENTRIES; id < ENTRIES + CHURN; id++) cache.set(id, value)
    const churned = ((await heldBytes()) - before) / ENTRIES
    // Held until here, or there would be nothing to measure.
    cache.get(0)
    return { filled, churned }
  },
}

/** Heap and array buffers after collections; buffers are only freed by a later turn. */
async function heldBytes() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
