import { describe, expect, it } from 'vitest'
import { errorText } from '../../../src/core/error-text.ts'
import { redact } from '../../../src/core/redact.ts'

describe('S3-11: secrets in text of others', () => {
  it.each([
    ['connect redis://app:hunter2@db:6379/0 failed', 'connect redis://***@db:6379/0 failed'],
    ['postgres://hunter2@db', 'postgres://***@db'],
    ['redis://app:p@hunter2@db:6379/0', 'redis://***@db:6379/0'],
    ['redis://app:p/hunter2@db:6379/0', 'redis://***@db:6379/0'],
    ['host=db password=hunter2 user=app', 'host=db password=*** user=app'],
    ['{"token":"hunter2","a":1}', '{"token":***,"a":1}'],
    ['authorization: Bearer hunter2', 'authorization: ***'],
    ["PASSWORD = 'hunter 2'", 'PASSWORD = ***'],
    ['?api_key=hunter2&page=2', '?api_key=***&page=2'],
  ])('%s', (text, shown) => {
    expect(redact(text)).not.toContain('hunter')
    expect(redact(text)).toContain(shown.split(' ***')[0]!.split('***')[0]!)
  })

  it.each(['x', 'a-', 'a://', '@', 'password ', 'password="', 'bearer '])('in linear time: many times %j', (part) => {
    // In quadratic time this took most of a minute, far beyond the time limit of a test.
    expect(redact(part.repeat(200_000 / part.length)).length).toBeGreaterThan(0)
  })

  it('leaves what is none', () => {
    const text = 'The redis tier did not answer within 250 ms (https://example.org/a?page=2).'
    expect(redact(text)).toBe(text)
  })

  it('makes one bounded line of an error, with the code that its message lacks', () => {
    expect(errorText(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).toBe('ECONNREFUSED: ')
    expect(errorText(new Error('x'.repeat(10_000)))).toHaveLength(500)
    expect(errorText('password=hunter2')).toBe('password=***')
  })
})
