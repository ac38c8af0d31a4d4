import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Cache } from 'freshtier'
import type { Dashboard } from '../dashboard/dashboard.js'
import type { Percentiles } from '../dashboard/latency-window.js'

export interface CacheMonitorOptions {
  readonly cache: Cache | undefined
  readonly dashboard: Dashboard
  readonly description: string
  /** What is going on in the app, for the strip: simulated load, connected pages. */
  readonly activity: () => Record<string, number>
}

/** What the page's strip shows. Every figure is counted or measured in this process. */
export interface CacheMetrics {
  readonly at: number
  readonly enabled: boolean
  readonly tiers: string
  readonly total: CacheCounts
  /** The last minute, or less after a start. */
  readonly recent: CacheCounts & { readonly seconds: number }
  readonly latencyMs: {
    readonly all?: Percentiles | undefined
    readonly hits?: Percentiles | undefined
    readonly uncached?: Percentiles | undefined
  }
  readonly entries: number
  readonly bytes: number
  readonly tenants: number
  readonly policies: readonly PolicyMetrics[]
  readonly activity: Record<string, number>
  readonly process: ProcessMetrics
}

export interface ProcessMetrics {
  readonly rssBytes: number
  readonly heapBytes: number
  readonly loopDelayP99Ms: number
  /** Processor time of all threads since the start. */
  readonly cpuSeconds: number
  readonly uptimeSeconds: number
}

export interface CacheCounts {
  readonly requests: number
  readonly hits: number
  readonly fills: number
  readonly joined: number
  readonly invalidations: number
  /** Queries that the database did not have to run. */
  readonly saved: number
  /** Nothing was asked: there is no ratio. */
  readonly hitRatio: number | null
}

export interface PolicyMetrics {
  readonly name: string
  readonly requests: number
  readonly hitRatio: number | null
  readonly fills: number
  readonly fillMeanMs: number | null
}

type Counted = Pick<CacheCounts, 'requests' | 'hits' | 'fills' | 'joined' | 'invalidations'>

const RECENT_SECONDS = 60

/** Looks at the cache once a second, so that the page can show the last minute beside the whole run. */
export class CacheMonitor {
  readonly #options: CacheMonitorOptions
  readonly #history: { at: number; counted: Counted }[] = []
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 5 })
  #loopDelayP99Ms = 0

  constructor(options: CacheMonitorOptions) {
    this.#options = options
    this.#loopDelay.enable()
    this.tick()
  }

  /** Call it once a second. */
  tick(): void {
    this.#history.push({ at: performance.now(), counted: this.#count() })
    if (this.#history.length > RECENT_SECONDS + 1) this.#history.shift()
    this.#loopDelayP99Ms = this.#loopDelay.percentile(99) / 1e6
    this.#loopDelay.reset()
  }

  close(): void {
    this.#loopDelay.disable()
  }

  read(): CacheMetrics {
    const { cache, dashboard, description, activity } = this.#options
    const now = performance.now()
    const total = this.#count()
    const before = this.#history[0] ?? { at: now, counted: total }
    const stats = cache?.stats()
    const memory = stats?.tiers.memory
    return {
      at: Date.now(),
      enabled: cache !== undefined,
      tiers: description,
      total: complete(total),
      recent: { seconds: Math.round((now - before.at) / 1_000), ...complete(subtract(total, before.counted)) },
      latencyMs: {
        all: dashboard.readLatency.percentiles(),
        hits: dashboard.hitLatency.percentiles(),
        uncached: dashboard.uncachedLatency.percentiles(),
      },
      entries: memory?.entries ?? 0,
      bytes: memory?.bytes ?? 0,
      // One namespace is the cache's own, outside any tenant.
      tenants: Math.max(0, (stats?.tenants ?? 0) - 1),
      policies: Object.entries(stats?.policies ?? {}).map(([name, { requests, hits, fills, fillMs }]) => ({
        name,
        requests,
        hitRatio: ratio(hits, requests),
        fills,
        fillMeanMs: ratio(fillMs.totalMs, fillMs.count),
      })),
      activity: activity(),
      process: readProcess(this.#loopDelayP99Ms),
    }
  }

  #count(): Counted {
    const stats = this.#options.cache?.stats()
    const { requests = 0, hits = 0, fills = 0, joined = 0, invalidations = 0 } = stats ?? {}
    return { requests, hits, fills, joined, invalidations }
  }
}

function readProcess(loopDelayP99Ms: number): ProcessMetrics {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  return {
    rssBytes: rss,
    heapBytes: heapUsed,
    loopDelayP99Ms,
    cpuSeconds: (user + system) / 1e6,
    uptimeSeconds: process.uptime(),
  }
}

function subtract(later: Counted, earlier: Counted): Counted {
  return {
    requests: later.requests - earlier.requests,
    hits: later.hits - earlier.hits,
    fills: later.fills - earlier.fills,
    joined: later.joined - earlier.joined,
    invalidations: later.invalidations - earlier.invalidations,
  }
}

function complete(counted: Counted): CacheCounts {
  return {
    ...counted,
    saved: Math.max(0, counted.requests - counted.fills),
    hitRatio: ratio(counted.hits, counted.requests),
  }
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null
}
