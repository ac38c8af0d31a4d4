import { describe, expect, it } from 'vitest'
import * as errors from '../../src/core/errors.ts'
import { read } from './repository.ts'

/** First column of the tables of docs/errors.md. */
function documentedCodes(text: string): string[] {
  return [...text.matchAll(/^\| `([A-Z][A-Z_]+)` \|/gm)].map(([, code]) => code!)
}

/** One of each class, as the library makes it. */
const SAMPLES: readonly errors.CacheError[] = [
  new errors.InvalidOptionError({
    field: "policy 'user': ttl",
    value: 60,
    rule: "must be text with a unit, such as '60s'",
  }),
  new errors.UnserialisableValueError('user', 'value.load', 'a function'),
  new errors.FillTimeoutError('user', 30_000),
  new errors.RemoteFillError('user', 'ECONNREFUSED'),
]

describe('error codes', () => {
  const documented = documentedCodes(read('docs/errors.md'))

  it('each have a row in docs/errors.md, and every row a code', () => {
    expect([...documented].sort()).toEqual([...errors.ERROR_CODES].sort())
  })

  it('the guard reads rows, and only rows', () => {
    expect(documentedCodes('| `FILL_TIMEOUT` | when | do |\nsee `BULKHEAD_FULL`\n| code | when |')).toEqual([
      'FILL_TIMEOUT',
    ])
  })
})

describe('error messages', () => {
  const classes = Object.values(errors).filter(
    (one): one is typeof errors.CacheError => typeof one === 'function' && one.prototype instanceof errors.CacheError,
  )

  it('are checked for every class', () => {
    expect(SAMPLES.map((error) => error.name).sort()).toEqual(classes.map(({ name }) => name).sort())
  })

  it.each(SAMPLES.map((error) => [error.name, error] as const))('%s names the culprit and what to do', (_, error) => {
    expect(error.message).toContain("policy 'user'")
    expect(error.message).toMatch(/^[A-Z'a-z].*\.$/)
    expect(error.message).toMatch(/must be|Store|Let|Give|Raise|Wait|Install|Repeat|Check/)
  })

  it('are told apart across two copies of the package', () => {
    const foreign = Object.assign(new Error('from another copy'), { [Symbol.for('freshtier.error')]: true })
    expect(errors.CacheError.is(foreign)).toBe(true)
    expect(errors.CacheError.is(SAMPLES[0])).toBe(true)
    expect(errors.CacheError.is(new Error('any'))).toBe(false)
  })
})
