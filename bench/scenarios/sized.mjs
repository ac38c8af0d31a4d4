import { quartiles } from '../harness/quartiles.mjs'
import { tracesDirectory } from '../hit-ratio/directory.mjs'
import { replay } from '../hit-ratio/replay.mjs'
import { roomFor, SHARE_FIGURES, SHARES } from '../hit-ratio/shares.mjs'
import { loadTrace, sizedTraceNames } from '../hit-ratio/traces.mjs'
import { CONTENDERS, openContender, seedsOf } from '../sized/contenders.mjs'

/** What of a hit counts: that it was one, or its bytes. */
const COUNTED = { requests: 'hits', bytes: 'bytes' }

/** As `hit-ratio`, with values of their own sizes and a bound in bytes. Counted, not timed. */
export const scenario = {
  name: 'sized',
  question: 'how many percent of requests, and of bytes, come from a cache of so many percent of all bytes?',
  takes: ['traces'],
  rounds: 1,
  figures: SHARE_FIGURES,
  ratios: [],

  cases({ traces: given }) {
    const directory = tracesDirectory(given)
    return sizedTraceNames(directory).flatMap((trace) =>
      Object.keys(COUNTED).flatMap((counted) =>
        CONTENDERS.map((contender) => ({
          group: `${trace}: % of ${counted}`,
          contender,
          spec: { trace, counted, contender, directory },
        })),
      ),
    )
  },

  measure({ trace: name, counted, contender, directory }) {
    const { keys, sizes } = loadTrace(directory, name)
    const footprint = sizes.reduce((sum, size) => sum + size, 0)
    const asked = counted === 'requests' ? keys.length : keys.reduce((sum, key) => sum + sizes[key], 0)
    return Object.fromEntries(
      SHARES.map((share) => {
        const maxBytes = roomFor(share, footprint)
        const answered = seedsOf(contender).map(
          (seed) => replay(openContender(contender, { maxBytes, sizes, seed }), keys, sizes)[COUNTED[counted]],
        )
        return [`${share}`, (100 * quartiles(answered).median) / asked]
      }),
    )
  },
}
