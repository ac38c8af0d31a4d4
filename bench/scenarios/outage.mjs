import { Redis } from 'ioredis'
import { twoLevelContenders } from '../contenders/two-level.mjs'
import { startServer } from '../harness/redis-server.mjs'

const CALLS = 48
/** What a fill takes: the database is well. */
const FILL_MS = 5
/** The first command's deadline where there is one (250 ms), and 100 ms. */
const IN_TIME_MS = 350
const GIVE_UP_MS = 12_000

/** Redis dies, or stops answering and keeps its connections; nothing is configured for it. Who gets an answer, and when? */
export const scenario = {
  name: 'outage',
  question: `Redis is killed or hangs: how many of ${CALLS} calls are answered within ${IN_TIME_MS} ms?`,
  figures: [
    { name: 'hotInTime', title: 'hot in time', digits: 0, isCount: true },
    { name: 'coldInTime', title: 'cold in time', digits: 0, isCount: true },
    { name: 'coldSlowestMs', title: 'slowest cold ms', digits: 0 },
    { name: 'laterInTime', title: 'cold, a second later', digits: 0, isCount: true },
    { name: 'laterSlowestMs', title: 'slowest ms', digits: 0 },
    { name: 'errors', title: 'errors', digits: 0, isCount: true },
  ],
  ratios: [],

  cases: () =>
    ['killed', 'hung'].flatMap((how) =>
      Object.keys(twoLevelContenders).map((contender) => ({
        group: `Redis is ${how}`,
        contender,
        spec: { contender, how },
      })),
    ),

  async measure({ contender, how }) {
    // Some clients reject promises that nobody holds when their server goes; what callers get is the question.
    process.on('unhandledRejection', () => {})
    const port = await startServer()
    const fill = async (key) => {
      await new Promise((resolve) => setTimeout(resolve, FILL_MS))
      return { key }
    }
    const side = await twoLevelContenders[contender]({ port, ttlMs: 600_000, fill, tagOf: () => 'tag' })
    const hot = keysOf('hot')
    for (let times = 0; times < 2; times++) await Promise.all(hot.map((key) => side.getOrFill(key)))
    await breakDown(port, how)
    // Within the bound for which memory may answer without proof.
    const ofHot = await callAll(side, hot)
    const cold = await callAll(side, keysOf('cold'))
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const later = await callAll(side, keysOf('later'))
    return {
      hotInTime: ofHot.inTime,
      coldInTime: cold.inTime,
      coldSlowestMs: cold.slowestMs,
      laterInTime: later.inTime,
      laterSlowestMs: later.slowestMs,
      errors: ofHot.errors + cold.errors + later.errors,
    }
  },
}

const keysOf = (name) => Array.from({ length: CALLS }, (_, index) => `${name}-${index}`)

async function breakDown(port, how) {
  const admin = new Redis({ host: '127.0.0.1', port, retryStrategy: () => null })
  admin.on('error', () => {})
  const pid = Number(/process_id:(\d+)/.exec(await admin.info('server'))[1])
  admin.disconnect()
  // The server's keeper kills a stopped server as well.
  process.kill(pid, how === 'killed' ? 'SIGKILL' : 'SIGSTOP')
  if (how === 'killed') await new Promise((resolve) => setTimeout(resolve, 20))
}

/** All at one moment. Who has no answer after `GIVE_UP_MS` counts as an error. */
async function callAll(side, keys) {
  const startedAt = performance.now()
  const outcomes = await Promise.all(keys.map((key) => outcomeOf(side.getOrFill(key), startedAt)))
  return {
    inTime: outcomes.filter(({ ok, ms }) => ok && ms <= IN_TIME_MS).length,
    errors: outcomes.filter(({ ok }) => !ok).length,
    slowestMs: Math.max(...outcomes.map(({ ms }) => ms)),
  }
}

async function outcomeOf(call, startedAt) {
  let timer
  const givenUp = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), GIVE_UP_MS)
  })
  try {
    await Promise.race([call, givenUp])
    return { ok: true, ms: performance.now() - startedAt }
  } catch {
    return { ok: false, ms: performance.now() - startedAt }
  } finally {
    clearTimeout(timer)
  }
}
