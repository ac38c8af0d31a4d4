import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT, read } from './repository.js'

interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly tests?: readonly string[]
}

const script = new URL('../../scripts/mutant-list.mjs', import.meta.url).href
const { MUTANTS, TESTS } = (await import(script)) as { MUTANTS: readonly Mutant[]; TESTS: readonly string[] }

describe('the rules that `npm run mutants` takes away', () => {
  it.each(MUTANTS)('are in the sources, once: $name', ({ file, find, replace, tests = TESTS }) => {
    expect(read(file).split(find)).toHaveLength(2)
    expect(replace).not.toBe(find)
    expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('have a name each', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })
})
