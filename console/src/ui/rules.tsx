import { count, duration, percent } from './format.ts'

/** Settings as the service has them, durations in words. */
export function Rules({ rules }: { rules: Readonly<Record<string, unknown>> }) {
  return (
    <dl class="rules">
      {flattened(rules).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function flattened(rules: Readonly<Record<string, unknown>>, within = ''): [name: string, value: string][] {
  return Object.entries(rules).flatMap(([name, value]): [string, string][] => {
    if (value === null || value === undefined) return []
    if (typeof value === 'object') return flattened(value as Record<string, unknown>, `${within}${name}.`)
    return [[`${within}${name.replace(/Ms$/, '')}`, ruleText(name, value)]]
  })
}

export function ruleText(name: string, value: unknown): string {
  if (value === undefined || value === null) return '–'
  if (name.endsWith('Ms')) return duration(value as number)
  if (name === 'jitter') return percent(value as number)
  if (Number.isInteger(value)) return count(value as number)
  return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
}
