import { describe, expect, it } from 'vitest'
import { holdsForJson, holdsForLine, holdsForMetrics, parseSamples } from '../../../drills/kit/conditions.ts'
import { parsePlaybook } from '../../../drills/kit/playbook.ts'

const before = parseSamples('a_total{kind="x"} 1\na_total{kind="y"} 5\n')
const now = parseSamples(
  '# HELP a_total A.\na_total{kind="x"} 4\na_total{kind="y"} 5\nb{part="reads"} 0\nb{part="writes"} 2\n',
)
const holds = (condition: string): boolean => holdsForMetrics(condition, { now, before })

describe('conditions about metrics', () => {
  it.each([
    ['a_total > 4', true],
    ['a_total{kind="x"} > 4', false],
    ['b == 2', true],
    ['b{part="reads"} == 2', false],
    ['b{part=~"reads|other"} == 0', true],
    ['increase(a_total{kind="x"}[5m]) == 3', true],
    ['increase(a_total{kind="y"}[5m]) > 0', false],
    ['increase(nothing_total[5m]) == 0', true],
    ['nothing == 0', false],
    ['sum(increase(a_total[10m])) == 3', true],
    ['sum(increase(a_total{kind="x"}[10m])) / sum(a_total) < 0.5', true],
    ['sum(increase(a_total{kind="x"}[10m])) / sum(a_total) > 0.5', false],
    ['b{part="writes"} < a_total{kind="x"}', true],
  ])('%s: %s', (condition, result) => {
    expect(holds(condition)).toBe(result)
  })

  it('what is none is refused', () => {
    expect(() => holds('a_total')).toThrow('no comparison')
    expect(() => holds('rate(a_total) > 1')).toThrow('no selector')
  })
})

it('conditions about JSON and about lines', () => {
  const json = { health: { status: 'fail' }, n: 3 }
  expect(holdsForJson('health.status == "fail"', json)).toBe(true)
  expect(holdsForJson('health.tiers.redis == "fail"', json)).toBe(false)
  expect(holdsForJson('n > 2', json)).toBe(true)
  const lines = [{ type: 'breaker', state: 'open' }]
  expect(holdsForLine('breaker', lines, 'type')).toBe(true)
  expect(holdsForLine('breaker with state == "closed"', lines, 'type')).toBe(false)
})

it('a page is read as it stands', () => {
  const page = [
    '# Gone',
    '## Symptom\n| seen in | what |\n|---|---|\n| metrics | `a{b=~"c\\|d"} == 0`: since then |',
    '## What to do\n```sh step=look exit=1\nls\n```\n```sh yours=mend\nmend it\n```',
    '## It is over when\n| health | `status == "pass"` |',
  ].join('\n')
  expect(parsePlaybook(page)).toEqual({
    title: 'Gone',
    symptom: [{ seenIn: 'metrics', text: 'a{b=~"c|d"} == 0' }],
    over: [{ seenIn: 'health', text: 'status == "pass"' }],
    steps: [
      { name: 'look', kind: 'run', text: 'ls', exitCode: 1 },
      { name: 'mend', kind: 'yours', text: 'mend it', exitCode: 0 },
    ],
  })
  expect(() => parsePlaybook('# Nothing')).toThrow("no part 'Symptom'")
})
