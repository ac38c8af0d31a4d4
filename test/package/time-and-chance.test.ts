import { describe, expect, it } from 'vitest'
import { filesBelow, read } from './repository.ts'
import { timeAndChanceOf } from './time-and-chance.ts'

describe('time and chance', () => {
  it('come from the ports alone', () => {
    const sources = ['src/core', 'src/memory', 'src/redis'].flatMap((folder) => filesBelow(folder, '.ts'))
    expect(sources.flatMap((path) => timeAndChanceOf(path, read(path)))).toEqual([])
  })

  it.each([
    'const now = Date.now()',
    'const now = performance.now',
    'setTimeout(run, 5)',
    'const timers = { start: setInterval }',
    'globalThis.setTimeout(run, 5)',
    'const chance = Math.random()',
    'const at = new Date()',
  ])('the guard reports: %s', (text) => {
    expect(timeAndChanceOf('src/core/read.ts', text)).toHaveLength(1)
  })

  it.each([
    '// Date.now() costs as much',
    'clock.setTimeout(run, 5)',
    'const at = new Date(5)',
    "const name = 'Math.random'",
  ])('the guard lets pass: %s', (text) => {
    expect(timeAndChanceOf('src/core/read.ts', text)).toEqual([])
  })

  it('the guard lets the clock itself pass', () => {
    expect(timeAndChanceOf('src/core/system-clock.ts', 'performance.now()')).toEqual([])
  })
})
