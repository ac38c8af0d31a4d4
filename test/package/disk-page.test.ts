import { describe, expect, it } from 'vitest'
import { read } from './repository.ts'

const page = read('docs/disk.md')

/** The drawings below a heading: blocks without a language that have an arrow or a box. */
function drawingsBelow(heading: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/^```\n(.*?)^```$/gms)].map(([, drawing]) => drawing!).filter((text) => /►|│/.test(text))
}

describe('the page about the disk tier', () => {
  it.each([
    ['S4-28', 'How a value is written', ['temporary|tmp', 'rename']],
    ['S4-28', 'How it is opened', ['hint', 'torn']],
    ['S4-28', 'Breakers', ['closed', 'half-open', 'open']],
    ['S4-28', 'When something fails', ['device error', 'damaged', 'disk full']],
    ['S4-29', 'What lies in the directory', ['partitions']],
    ['S4-29', 'What lies in memory', ['hash low', 'offset']],
    ['S4-29', 'Who does what', ['worker thread', 'thread pool']],
  ])('%s: draws "%s"', (_row, heading, words) => {
    const drawn = drawingsBelow(heading).join('\n')
    for (const word of words) expect(drawn).toMatch(new RegExp(word))
  })
})
