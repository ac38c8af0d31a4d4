import { openContender } from '../contenders/index.mjs'

const CONTENDERS = [
  'Map by hand',
  'lru-cache fetch',
  'layered-loader',
  'async-cache-dedupe',
  'bentocache',
  'cacheable',
  'freshtier',
]
const CALLERS = 50
const FILL_MS = 20

/** Fifty callers ask for one cold key in the same turn; the fill takes 20 ms, and brings a value or fails. */
export const scenario = {
  name: 'stampede',
  question: `what do ${CALLERS} callers on one cold key cost, and what do they get when the fill fails?`,
  figures: [
    { name: 'fills', title: 'fills', digits: 0, isCount: true },
    { name: 'values', title: 'values', digits: 0, isCount: true },
    { name: 'errors', title: 'errors', digits: 0, isCount: true },
    { name: 'attemptsSeen', title: 'attempts seen', digits: 0, isCount: true },
    { name: 'slowestMs', title: 'slowest ms', digits: 1 },
  ],
  ratios: [{ figure: 'slowestMs', to: 'Map by hand' }],

  cases: () =>
    ['the fill brings a value', 'the fill fails'].flatMap((group, index) =>
      CONTENDERS.map((contender) => ({
        group,
        contender,
        spec: { contender, fails: index === 1 },
      })),
    ),

  async measure({ contender, fails }) {
    let fills = 0
    const fill = async (key) => {
      const attempt = ++fills
      await new Promise((resolve) => setTimeout(resolve, FILL_MS))
      if (fails && key === 'cold') throw new Error(`attempt ${attempt} failed`)
      return { attempt }
    }
    const side = await openContender(contender, { capacity: 1_000, ttlMs: 60_000, fill })
    // What is loaded and compiled at the first call is not the question.
    await side.getOrFill('other')
    fills = 0
    const startedAt = performance.now()
    const outcomes = await Promise.all(Array.from({ length: CALLERS }, () => settle(side.getOrFill('cold'), startedAt)))
    const values = outcomes.filter(({ value }) => value !== undefined)
    const errors = outcomes.filter(({ error }) => error !== undefined)
    return {
      fills,
      values: values.length,
      errors: errors.length,
      attemptsSeen: new Set(outcomes.map(attemptOf)).size,
      slowestMs: Math.max(...outcomes.map(({ afterMs }) => afterMs)),
    }
  },
}

async function settle(promise, startedAt) {
  try {
    const value = await promise
    return { value, afterMs: performance.now() - startedAt }
  } catch (error) {
    return { error, afterMs: performance.now() - startedAt }
  }
}

/** Which call of the fill an answer goes back to; some wrap the fill's error. */
function attemptOf({ value, error }) {
  const text = value ? `attempt ${value.attempt}` : `${error?.message} ${error?.cause?.message}`
  return /attempt \d+/.exec(text)?.[0] ?? text
}
