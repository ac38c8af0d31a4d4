import { createCache, definePolicy } from 'freshtier'
import { auditCache, cacheMetrics, consoleApi, logEvents, openTelemetry, prometheusText } from 'freshtier/observe'
import { loops } from '../harness/hit-loops.mjs'
import { target } from '../harness/targets.mjs'
import { nanosecondsPerOperation } from '../harness/timed-loop.mjs'
import { seed, valueFor, workload } from '../harness/workload.mjs'

const RESIDENT = 10_000
const NOTHING = () => {}

/** A meter that keeps nothing: what is measured is what freshtier does, not an SDK. */
const meter = {
  createHistogram: () => ({ record: NOTHING }),
  createObservableCounter: () => ({}),
  createObservableGauge: () => ({}),
  addBatchObservableCallback: NOTHING,
  removeBatchObservableCallback: NOTHING,
}
const tracer = { startSpan: () => ({ setStatus: NOTHING, end: NOTHING }) }
const logger = { info: NOTHING, warn: NOTHING }

/** As one page of the console does: a snapshot a second, and every event that it tells. */
function watchInConsole(cache) {
  const headers = { host: 'localhost' }
  const request = { method: 'GET', path: '/events', query: new URLSearchParams(), headers, remoteAddress: '127.0.0.1' }
  void consoleApi(cache)
    .handle(request)
    .then(({ body }) => body.resume())
}

/** Each attaches itself to a cache. */
const SINKS = {
  none: NOTHING,
  prometheus: (cache) => {
    const metrics = cacheMetrics(cache, { dashboard: true })
    setInterval(() => prometheusText(metrics), 1_000).unref()
  },
  all: (cache) => {
    SINKS.prometheus(cache)
    openTelemetry(cache, { meter, tracer })
    logEvents(cache, { logger })
    auditCache(cache, { origin: NOTHING })
    watchInConsole(cache)
  },
  'all, and a line for each hit': (cache) => {
    SINKS.all(cache)
    logEvents(cache, { logger, events: ['cache_hit'] })
  },
}

/** Being seen must not cost on the way that is used most. */
export const scenario = {
  name: 'observe',
  question: 'what do metrics, traces and logs add to a hit?',
  figures: [{ name: 'nanoseconds', title: 'ns/hit', digits: 1 }],
  ratios: [{ figure: 'nanoseconds', to: 'none' }],
  conclude: (outcome) => ({ ...outcome, targets: outcome.groups.map(costOfAll) }),

  cases: () =>
    Object.keys(loops).flatMap((loop) =>
      Object.keys(SINKS).map((sinks) => ({ group: `${loop} keys`, contender: sinks, spec: { sinks, loop } })),
    ),

  async measure({ sinks, loop }) {
    const cache = createCache({ name: 'bench' })
    const policy = definePolicy({ name: 'entry', ttl: '1h', fill: async (key) => valueFor(key) })
    const side = { getOrFill: (key) => cache.getOrFill(policy, key), peek: (key) => cache.peek(policy, key) }
    SINKS[sinks](cache)
    const load = workload(RESIDENT)
    await seed(side, load.keys)
    const { fills } = cache.stats()
    const nanoseconds = await nanosecondsPerOperation(loops[loop](side, load))
    if (cache.stats().fills !== fills) throw new Error(`${sinks} missed`)
    return { nanoseconds }
  },
}

function costOfAll({ name, rows }) {
  const ratio = rows.find(({ contender }) => contender === 'all')?.ratios.none?.median
  const percent = ratio === undefined ? undefined : 100 * (1 / ratio - 1)
  return target(`all sinks, more than none, ${name}`, percent, { atMost: 15, unit: ' %', digits: 1 })
}
