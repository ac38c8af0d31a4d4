import { Redis } from 'ioredis'
import { twoLevelContenders } from '../contenders/two-level.mjs'
import { startFleet } from '../harness/fleet.mjs'
import { startServer } from '../harness/redis-server.mjs'

const PROCESSES = 8
const CALLERS = 50
/** Until all processes have heard of it. */
const LEAD_MS = 300

/** Fifty callers in each of eight processes ask for one cold key at the same moment. */
export const scenario = {
  name: 'stampede-cluster',
  question: `how many fills do ${PROCESSES} × ${CALLERS} callers on one cold key cost, and how much longer than the fill do they wait?`,
  figures: [
    { name: 'fills', title: 'fills', digits: 0, isCount: true },
    { name: 'extraMs', title: 'median extra ms', digits: 1 },
    { name: 'extraP99Ms', title: 'P99 extra ms', digits: 1 },
  ],
  ratios: [],

  cases: () =>
    [20, 200, 1_500].flatMap((fillMs) =>
      Object.keys(twoLevelContenders).map((contender) => ({
        group: `a fill of ${fillMs} ms`,
        contender,
        spec: { contender, fillMs },
      })),
    ),

  async measure({ contender, fillMs }) {
    const port = await startServer()
    const origin = new Redis({ host: '127.0.0.1', port, db: 1 })
    await origin.mset('warm', 1, 'cold', 1)
    const fleet = await startFleet({ size: PROCESSES, contender, port, fillMs })
    // What is loaded, compiled and connected at the first call is not the question.
    for (const call of fleet) await call('read', 'warm')
    const atMs = (await fleet[0]('now')) + LEAD_MS
    const storms = await Promise.all(fleet.map((call) => call('storm', 'cold', { callers: CALLERS, atMs })))
    const extra = storms.flatMap(({ waits }) => waits.map((waited) => waited - fillMs)).sort((a, b) => a - b)
    return {
      fills: storms.reduce((sum, { fills }) => sum + fills, 0),
      extraMs: extra[Math.floor(extra.length / 2)],
      extraP99Ms: extra[Math.floor(extra.length * 0.99)],
    }
  },
}
