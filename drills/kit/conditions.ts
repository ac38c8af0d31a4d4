/** Samples of a Prometheus text page. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What a condition about metrics is held against. */
export interface Scrapes {
  readonly now: readonly Sample[]
  /** Where `increase` counts from: before it broke, or since it was mended. */
  readonly before: readonly Sample[]
}

export function parseSamples(page: string): Sample[] {
  return page.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || line.startsWith('#')) return []
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, text]) => [label!, text!])
    return [{ name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }]
  })
}

/**
 * The part of PromQL that the pages use: selectors, `increase(…[5m])`, `sum(…)`, one division, one comparison. It holds
 * if it holds for one of the series; a window reaches back to `before`, whatever its length.
 */
export function holdsForMetrics(condition: string, scrapes: Scrapes): boolean {
  const [, left, sign, right] = /^(.+?) (==|!=|>=|<=|>|<) (.+)$/.exec(condition) ?? []
  if (left === undefined) throw new Error(`This is no comparison: ${condition}`)
  const [lefts, rights] = [quotient(left, scrapes), quotient(right!, scrapes)]
  return lefts.some((one) => rights.some((other) => compare(one, sign!, other)))
}

/** `status == "degraded"`, `stats.tiers.disk.errors > 0`: a path into JSON against a value. */
export function holdsForJson(condition: string, json: unknown): boolean {
  const [, path, sign, value] = /^([\w.-]+) (==|!=|>=|<=|>|<) (.+)$/.exec(condition) ?? []
  if (path === undefined) throw new Error(`This is no comparison: ${condition}`)
  let at = json
  for (const step of path.split('.')) at = (at as Record<string, unknown> | undefined)?.[step]
  return at !== undefined && compare(at, sign!, JSON.parse(value!))
}

/** `not-stored with cause == "full"`, or the name alone. */
export function holdsForLine(condition: string, lines: readonly object[], nameField: string): boolean {
  const [name, about] = condition.split(' with ')
  return lines.some(
    (line) =>
      (line as Record<string, unknown>)[nameField] === name && (about === undefined || holdsForJson(about, line)),
  )
}

function quotient(text: string, scrapes: Scrapes): number[] {
  const [above, below] = text.split(' / ')
  const tops = term(above!, scrapes)
  if (below === undefined) return tops
  const [bottom] = term(below, scrapes)
  return bottom ? tops.map((top) => top / bottom) : []
}

function term(text: string, scrapes: Scrapes): number[] {
  if (/^-?[\d.]+$/.test(text)) return [Number(text)]
  const [, inSum] = /^sum\((.+)\)$/.exec(text) ?? []
  if (inSum !== undefined) return [term(inSum, scrapes).reduce((sum, one) => sum + one, 0)]
  const [, inIncrease] = /^increase\((.+)\[\d+[smh]\]\)$/.exec(text) ?? []
  if (inIncrease === undefined) return select(text, scrapes.now).map(({ value }) => value)
  const before = select(inIncrease, scrapes.before)
  const increases = select(inIncrease, scrapes.now).map((sample) => {
    const earlier = before.find(({ labels }) => JSON.stringify(labels) === JSON.stringify(sample.labels))
    return sample.value - (earlier?.value ?? 0)
  })
  // A counter that has no series yet has not grown.
  return increases.length === 0 ? [0] : increases
}

function select(text: string, samples: readonly Sample[]): Sample[] {
  const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})?$/.exec(text) ?? []
  if (name === undefined) throw new Error(`This is no selector: ${text}`)
  const wanted = [...labels.matchAll(/(\w+)(=~|=)"([^"]*)"/g)]
  return samples.filter(
    (sample) =>
      sample.name === name &&
      wanted.every(([, label, sign, value]) =>
        sign === '=' ? sample.labels[label!] === value : new RegExp(`^(?:${value})$`).test(sample.labels[label!] ?? ''),
      ),
  )
}

function compare(one: unknown, sign: string, other: unknown): boolean {
  switch (sign) {
    case '==':
      return one === other
    case '!=':
      return one !== other
    case '>':
      return Number(one) > Number(other)
    case '>=':
      return Number(one) >= Number(other)
    case '<':
      return Number(one) < Number(other)
    default:
      return Number(one) <= Number(other)
  }
}
