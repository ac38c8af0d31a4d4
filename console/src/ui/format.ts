const NONE = '–'

export function count(value: number | undefined): string {
  return value === undefined ? NONE : value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** Small rates keep a decimal, because 0.4 a second is not nothing. */
export function rate(value: number | undefined): string {
  if (value === undefined) return NONE
  return value > 0 && value < 100 ? value.toFixed(1) : count(Math.round(value))
}

/** Two decimals always, so that a column lines up. */
export function milliseconds(value: number | undefined): string {
  return value === undefined
    ? NONE
    : value.toLocaleString('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 })
}

/** For a scale, where short is better. */
export function short(value: number): string {
  return value === 0 || value >= 10 ? count(value) : value.toFixed(value < 1 ? 2 : 1)
}

/** `1 fill`, `2 fills`. */
export function counted(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`
}

export function percent(share: number | undefined): string {
  return share === undefined ? NONE : `${(100 * share).toFixed(1)} %`
}

/** `null`, because JSON has no other word for it, is without bound. */
export function bytes(value: number | null | undefined): string {
  if (value === undefined) return NONE
  if (value === null) return 'no bound'
  if (value < 1024) return `${value} B`
  const units = ['KB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log(value) / Math.log(1024)))
  return `${(value / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}

/** `60000` → `1 min`, `1500` → `1.5 s`. */
export function duration(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return NONE
  if (ms < 1_000) return `${round(ms)} ms`
  if (ms < 60_000) return `${round(ms / 1_000)} s`
  if (ms < 3_600_000) return `${round(ms / 60_000)} min`
  return ms < 86_400_000 ? `${round(ms / 3_600_000)} h` : `${round(ms / 86_400_000)} d`
}

export function tenantText(tenant: unknown): string {
  return tenant === '' ? '(none)' : String(tenant)
}

/** How this process came to know of an invalidation. */
export function sourceText(source: unknown): string {
  return { local: 'this process', log: 'told by the log', push: 'told by pub/sub' }[String(source)] ?? ''
}

function round(value: number): string {
  return String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value))
}
