/** Upper bounds in seconds of each distribution. */
export const BUCKETS = {
  cache_load_duration_seconds: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  cache_follow_duration_seconds: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  cache_operation_duration_seconds: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  dashboard_cache_latency_seconds: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
} as const

export type DistributionName = keyof typeof BUCKETS

export type DistributionNames<T> = Readonly<Record<DistributionName, T>>

/** One thing for each distribution. */
export function bucketsOf<T>(make: (boundaries: readonly number[]) => T): DistributionNames<T> {
  const names = Object.keys(BUCKETS) as DistributionName[]
  return Object.fromEntries(names.map((name) => [name, make(BUCKETS[name])])) as DistributionNames<T>
}
