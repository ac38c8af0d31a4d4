import { quartiles } from '../harness/quartiles.mjs'
import { CONTENDERS, openContender, seedsOf } from '../hit-ratio/contenders.mjs'
import { tracesDirectory } from '../hit-ratio/directory.mjs'
import { optimumHits } from '../hit-ratio/optimum.mjs'
import { plotHitRatios } from '../hit-ratio/plot.mjs'
import { replay } from '../hit-ratio/replay.mjs'
import { roomFor, SHARE_FIGURES, SHARES } from '../hit-ratio/shares.mjs'
import { OPTIMUM, SUMMARY, summary, targets } from '../hit-ratio/summary.mjs'
import { loadTrace, referenceHits, traceNames } from '../hit-ratio/traces.mjs'

/**
 * Get, else set, over whole traces with cold caches. Counted, not timed: one round says it all, and a seed decides what
 * chance there is.
 */
export const scenario = {
  name: 'hit-ratio',
  question: 'how many percent of the requests does a cache of so many percent of the unique keys answer?',
  takes: ['traces', 'plots'],
  rounds: 1,
  figures: SHARE_FIGURES,
  ratios: [],

  cases({ traces: given }) {
    const directory = tracesDirectory(given)
    return traceNames(directory).flatMap((trace) =>
      [OPTIMUM, ...CONTENDERS].map((contender) => ({
        group: trace,
        contender,
        spec: { trace, contender, directory },
      })),
    )
  },

  measure({ trace: name, contender, directory }) {
    const { keys, unique } = loadTrace(directory, name)
    return Object.fromEntries(
      SHARES.map((share) => {
        const hits = contender === OPTIMUM ? optimumHits : (...asked) => medianHits(contender, ...asked)
        return [`${share}`, (100 * hits(keys, roomFor(share, unique))) / keys.length]
      }),
    )
  },

  conclude(outcome, { traces: given }) {
    const directory = tracesDirectory(given)
    return {
      ...outcome,
      groups: [...outcome.groups, summary(outcome)],
      targets: targets(outcome, {
        references: referenceHits(directory),
        load: (name) => loadTrace(directory, name),
      }),
    }
  },

  plots: ({ groups }) =>
    groups
      .filter(({ name }) => name !== SUMMARY)
      .map((group) => ({ file: `hit-ratio-${group.name}.svg`, text: plotHitRatios(group) })),
}

function medianHits(contender, keys, entries) {
  const hits = seedsOf(contender).map((seed) => replay(openContender(contender, { entries, seed }), keys).hits)
  return quartiles(hits).median
}
