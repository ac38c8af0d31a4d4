import { contenders } from './contenders.mjs'

const ENTRIES = 1_000_000
const CHURN = 1_500_000

/** What an entry takes beside key and value: integer keys, one shared value. */
export const bytes = {
  name: 'bytes',
  question: 'how many bytes does an entry take beside key and value, at 1,000,000 entries?',
  figures: [
    { name: 'filled', title: 'filled', digits: 1 },
    { name: 'churned', title: 'after 1.5 M evicting sets', digits: 1 },
  ],
  ratios: [],

  cases: () => contenders.map(({ name }) => ({ group: 'bytes an entry', contender: name, spec: { contender: name } })),

  async measure({ contender }) {
    const value = { count: 1 }
    const isBounded = !contender.startsWith('Map')
    const before = await heldBytes()
    const cache = contenders.find(({ name }) => name === contender).open({ capacity: ENTRIES })
    for (let id = 0; id < ENTRIES; id++) cache.set(id, value)
    const filled = ((await heldBytes()) - before) / ENTRIES
    if (isBounded) for (let id = ENTRIES; id < ENTRIES + CHURN; id++) cache.set(id, value)
    const churned = isBounded ? ((await heldBytes()) - before) / ENTRIES : filled
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
