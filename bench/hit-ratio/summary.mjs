import { target } from '../harness/targets.mjs'
import { roomFor, SHARES } from './shares.mjs'

export const OPTIMUM = 'optimum'
export const SUMMARY = 'all traces'
const DEFAULT = 'freshtier w-tinylfu'
const FLOOR = 'lru-cache'

/** Who must meet what in a directory's `reference-hits.json`. S3-FIFO remembers who left by hashes, so it may err. */
const REFERENCES = [
  { contender: OPTIMUM, name: 'min', atMost: 0 },
  { contender: 'freshtier fifo', name: 'fifo', atMost: 0 },
  { contender: 'freshtier lru', name: 'lru', atMost: 0 },
  { contender: 'freshtier lfu', name: 'lfu', atMost: 0 },
  { contender: 'freshtier sieve', name: 'sieve', atMost: 0 },
  { contender: 'freshtier s3-fifo', name: 's3fifo', atMost: 0.6 },
]
const USUAL_SHARES = SHARES.filter((share) => share >= 1)

/** One group over all traces: what each contender keeps of the optimum's hits on average, and its worst cell. */
export function summary({ groups }) {
  const contenders = [...new Set(groups.flatMap(({ rows }) => rows.map(({ contender }) => contender)))]
  const one = (number) => ({ q1: number, median: number, q3: number })
  return {
    name: SUMMARY,
    figures: [
      { name: 'usual', title: '% of the optimum, 1–20 %', digits: 1 },
      { name: 'all', title: '% of the optimum, 0.1–20 %', digits: 1 },
      { name: 'worst', title: `worst cell, points beside ${FLOOR}`, digits: 1 },
    ],
    ratios: [],
    rows: contenders.map((contender) => ({
      contender,
      figures: {
        usual: one(shareOfOptimum(groups, contender, USUAL_SHARES)),
        all: one(shareOfOptimum(groups, contender, SHARES)),
        worst: one(worstCell(groups, contender)?.points ?? Number.NaN),
      },
      ratios: {},
    })),
  }
}

/**
 * What the default has to reach, and, where a directory has hits of reference implementations, whether the others meet
 * them.
 */
export function targets({ groups }, { references, load }) {
  const known = groups
    .filter(({ name }) => references[name])
    .map((group) => ({ ...group, reference: references[group.name], trace: load(group.name) }))
  const worst = worstCell(groups, DEFAULT)
  const where = worst && ` (${worst.trace}, ${worst.share} %)`
  const ofOptimum = (shares) => numberOrNothing(shareOfOptimum(groups, DEFAULT, shares))
  return [
    target('default: hits of the optimum, mean of 1 to 20 %', ofOptimum(USUAL_SHARES), { atLeast: 80, unit: ' %' }),
    target('default: hits of the optimum, mean with 0.1 %', ofOptimum(SHARES), { atLeast: 75, unit: ' %' }),
    target(`default: worst cell beside ${FLOOR}`, worst?.points, { atLeast: -5, unit: ' points', note: where }),
    ...REFERENCES.map(({ contender, name, atMost }) => {
      const off = farthestFromReference(known, contender, name)
      return target(`${contender}: farthest cell from the reference`, off, { atMost, unit: ' points', digits: 3 })
    }),
  ]
}

function shareOfOptimum(groups, contender, shares) {
  const cells = groups.flatMap(({ rows }) => {
    const own = rows.find((row) => row.contender === contender)
    const optimum = rows.find((row) => row.contender === OPTIMUM)
    return own && optimum ? shares.map((share) => hitRatio(own, share) / hitRatio(optimum, share)) : []
  })
  return (100 * cells.reduce((sum, cell) => sum + cell, 0)) / cells.length
}

function worstCell(groups, contender) {
  const cells = groups.flatMap(({ name, rows }) => {
    const own = rows.find((row) => row.contender === contender)
    const floor = rows.find((row) => row.contender === FLOOR)
    if (!own || !floor) return []
    return SHARES.map((share) => ({ trace: name, share, points: hitRatio(own, share) - hitRatio(floor, share) }))
  })
  return cells.sort((a, b) => a.points - b.points)[0]
}

/** The largest distance of a cell from the reference in points; 0 = every single hit is the same. */
function farthestFromReference(known, contender, name) {
  const distances = known.flatMap(({ rows, reference, trace }) => {
    const own = rows.find((row) => row.contender === contender)
    if (!own) return []
    const { keys, unique } = trace
    return SHARES.map((share) => {
      const hits = Math.round((hitRatio(own, share) * keys.length) / 100)
      return (100 * Math.abs(hits - reference[roomFor(share, unique)][name])) / keys.length
    })
  })
  return distances.length === 0 ? undefined : Math.max(...distances)
}

const hitRatio = (row, share) => row.figures[share].median

const numberOrNothing = (number) => (Number.isNaN(number) ? undefined : number)
