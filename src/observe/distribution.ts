import { labelKey, type MetricSample } from './metric-family.js'

interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** One for each boundary and one above them all; not cumulative. */
  readonly counts: number[]
  sum: number
}

/** Seconds sorted into buckets, for each set of labels. */
export class Distribution {
  readonly boundaries: readonly number[]
  readonly #series = new Map<string, Series>()

  /** `boundaries`: ascending upper bounds in seconds. */
  constructor(boundaries: readonly number[]) {
    this.boundaries = boundaries
  }

  record(labels: Readonly<Record<string, string>>, seconds: number): void {
    const key = labelKey(labels)
    let series = this.#series.get(key)
    if (series === undefined) {
      series = { labels, counts: new Array<number>(this.boundaries.length + 1).fill(0), sum: 0 }
      this.#series.set(key, series)
    }
    const at = this.boundaries.findIndex((boundary) => seconds <= boundary)
    series.counts[at < 0 ? this.boundaries.length : at]!++
    series.sum += seconds
  }

  samples(): MetricSample[] {
    return [...this.#series.values()].flatMap(({ labels, counts, sum }) =>
      bucketSamples(this.boundaries, labels, counts, sum),
    )
  }
}

export function bucketSamples(
  boundaries: readonly number[],
  labels: Readonly<Record<string, string>>,
  counts: readonly number[],
  sum: number,
): MetricSample[] {
  let total = 0
  const buckets = counts.map((count, index): MetricSample => {
    total += count
    const le = index < boundaries.length ? String(boundaries[index]) : '+Inf'
    return { suffix: '_bucket', labels: { ...labels, le }, value: total }
  })
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }]
}
