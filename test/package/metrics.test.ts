import { describe, expect, it } from 'vitest'
import { AUDIT_METRICS, DASHBOARD_METRICS, METRICS } from '../../src/observe/metric-names.ts'
import { read } from './repository.ts'

/** Names in the first column of the tables of docs/observability.md. */
function documented(text: string): string[] {
  const cells = [...text.matchAll(/^\| ([^|]+) \|/gm)].map(([, cell]) => cell!)
  return cells.flatMap((cell) => [...cell.matchAll(/`((?:dashboard_)?cache_\w+)`/g)].map(([, name]) => name!))
}

describe('metrics', () => {
  it('each have a row in docs/observability.md, and every row a metric', () => {
    const page = read('docs/observability.md')
    const names = Object.keys({ ...METRICS, ...DASHBOARD_METRICS, ...AUDIT_METRICS })
    const lines = new Set(documented(page.slice(page.indexOf('## Log lines'), page.indexOf('## Health'))))
    expect(
      documented(page)
        .filter((name) => !lines.has(name))
        .sort(),
    ).toEqual(names.sort())
  })

  it('the guard reads rows, and only rows', () => {
    expect(documented('| `cache_hits_total`, `cache_bytes` | `tier` |\nsee `cache_other`')).toEqual([
      'cache_hits_total',
      'cache_bytes',
    ])
  })
})
