/** One metric without its series. */
export interface MetricDescription {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
}

/** One metric as Prometheus sees it: a name, its help and its series. */
export interface MetricFamily extends MetricDescription {
  readonly samples: readonly MetricSample[]
}

export interface MetricSample {
  /** The series of a histogram have names of their own: `_bucket`, `_sum`, `_count`. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A key that differs for every two sets of label values. */
export function labelKey(labels: Readonly<Record<string, string>>): string {
  return Object.values(labels).join('\u0000')
}
