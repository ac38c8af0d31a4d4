import { type Cache, type CacheOptions, createCache, memoryTier } from '../../../src/index.js'
import type { MetricSource } from '../../../src/observe/index.js'
import { createTwinServer, type FakeClock, fakeClock, seededRandom, sharedTier } from '../../../src/testing/index.js'

export interface WatchedCache {
  readonly cache: Cache
  readonly clock: FakeClock
  /** From now on the shared server answers nothing, or answers again. */
  hang(isHanging: boolean): void
  close(): Promise<void>
}

/** A cache over memory and the shared tier's twin, on a clock that stands still. */
export function watchedCache(options: CacheOptions & { shared?: boolean } = {}): WatchedCache {
  const { shared = true, ...cacheOptions } = options
  const clock = fakeClock()
  let isHanging = false
  const deliver = (): Promise<void> | undefined => (isHanging ? new Promise(() => {}) : undefined)
  const server = createTwinServer({ clock, random: seededRandom(1), deliver })
  const tiers = shared ? [memoryTier(), sharedTier({ server })] : [memoryTier()]
  const cache = createCache({ name: 'watched', tiers, clock, random: seededRandom(2), ...cacheOptions })
  return {
    cache,
    clock,
    hang: (value) => {
      isHanging = value
    },
    close: async () => {
      const closed = cache.close()
      await clock.advance(10_000)
      await closed
    },
  }
}

/** The value of a series: `value(metrics, 'cache_requests_total', { outcome: 'hit' })`; several are added up. */
export function value(metrics: MetricSource, name: string, labels: Record<string, string> = {}): number | undefined {
  const [family, suffix] = splitSuffix(name)
  const samples = (metrics.families().find((one) => one.name === family)?.samples ?? []).filter(
    (sample) =>
      sample.suffix === suffix && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
  )
  return samples.length === 0 ? undefined : samples.reduce((sum, sample) => sum + sample.value, 0)
}

function splitSuffix(name: string): [family: string, suffix: string | undefined] {
  const match = /^(.+?)(_bucket|_sum|_count)$/.exec(name)
  return match ? [match[1]!, match[2]] : [name, undefined]
}

/** Number of series of all metrics. */
export function seriesOf(metrics: MetricSource): number {
  return metrics.families().reduce((sum, { samples }) => sum + samples.length, 0)
}
