import { once } from 'node:events'
import { Worker as Thread } from 'node:worker_threads'
import { Queue, Worker } from 'bullmq'
import { quartiles } from '../harness/quartiles.mjs'
import { startServer } from '../harness/redis-server.mjs'
import { target } from '../harness/targets.mjs'

const ENTRIES = 100_000
const ALONE = 'nothing beside'
const NEIGHBOURS = [ALONE, 'freshtier, by tag', 'freshtier, by key', 'freshtier, by pattern', 'KEYS + DEL']
/** One job every so often, whatever became of those before. */
const EVERY_MS = 4
const LEAST_JOBS = 1_000

/**
 * S2-31: BullMQ works on the same Redis. How long does a job take from `add` until its worker has it, while a cache in
 * another thread invalidates its 100,000 entries?
 */
export const scenario = {
  name: 'queue',
  question: `what do jobs of BullMQ notice of the invalidation of ${ENTRIES} entries on the same Redis?`,
  figures: [
    { name: 'p50Ms', title: 'P50 ms', digits: 2 },
    { name: 'p99Ms', title: 'P99 ms', digits: 2 },
    { name: 'slowestMs', title: 'slowest ms', digits: 1 },
    { name: 'jobs', title: 'jobs', digits: 0 },
    { name: 'lost', title: 'lost', digits: 0, isCount: true },
    { name: 'invalidateMs', title: 'ms to invalidate all', digits: 1 },
  ],
  ratios: [{ figure: 'p99Ms', to: ALONE }],
  rounds: 3,

  cases: () => NEIGHBOURS.map((contender) => ({ group: 'on one server', contender, spec: { contender } })),

  async measure({ contender }) {
    const port = await startServer()
    const neighbour = await startNeighbour(port, contender)
    await neighbour('fill', ENTRIES)
    const queue = await startQueue(port)
    await queue.run(200)
    // The control runs as many jobs beside a neighbour that has nothing to do.
    let isOver = false
    const invalidations = []
    const invalidating = (async () => {
      do invalidations.push(await neighbour('invalidate'))
      while (!isOver)
    })()
    const waits = await queue.run(LEAST_JOBS)
    isOver = true
    await invalidating
    waits.sort((a, b) => a - b)
    return {
      p50Ms: waits[Math.floor(waits.length * 0.5)],
      p99Ms: waits[Math.floor(waits.length * 0.99)],
      slowestMs: waits.at(-1),
      jobs: waits.length,
      lost: LEAST_JOBS - waits.length,
      invalidateMs: quartiles(invalidations).median,
    }
  },

  conclude: (outcome) => ({ ...outcome, targets: targets(outcome) }),
}

/** By tag nothing is looked for or deleted; the other rows say what it costs to name each entry. */
function targets({ groups: [{ rows }] }) {
  const byTag = 'freshtier, by tag'
  const ratio = rows.find(({ contender }) => contender === byTag)?.ratios[ALONE]?.median
  return [target(`P99 of a job beside ${byTag}, times that of a job alone`, ratio && 1 / ratio, { atMost: 2 })]
}

/** A thread of its own with a cache, so that its work does not hold up the jobs in any other way than through Redis. */
async function startNeighbour(port, how) {
  const thread = new Thread(new URL('../harness/neighbour.mjs', import.meta.url), { workerData: { port, how } })
  thread.unref()
  return async (name, ...args) => {
    thread.postMessage({ name, args })
    const [{ error, value }] = await once(thread, 'message')
    if (error !== undefined) throw new Error(error)
    return value
  }
}

/** A queue with a worker. `run` adds jobs and answers how long each took until it was worked on. */
async function startQueue(port) {
  const connection = { host: '127.0.0.1', port }
  const queue = new Queue('alerts', { connection, skipVersionCheck: true })
  const arrived = []
  const note = async ({ data }) => void arrived.push(performance.now() - data.addedAt)
  const worker = new Worker('alerts', note, { connection, concurrency: 20, skipVersionCheck: true })
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()])
  return {
    async run(jobs) {
      arrived.length = 0
      const adding = []
      for (let job = 0; job < jobs; job++) {
        adding.push(queue.add('alert', { addedAt: performance.now() }, { removeOnComplete: true }))
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS))
      }
      await Promise.all(adding)
      for (const until = performance.now() + 10_000; arrived.length < jobs && performance.now() < until; )
        await new Promise((resolve) => setTimeout(resolve, 10))
      return [...arrived]
    },
  }
}
