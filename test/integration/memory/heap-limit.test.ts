import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const SCRIPT = fileURLToPath(new URL('fill-memory.mjs', import.meta.url))

interface Outcome {
  changes: { state: string; cause: string }[]
  held: { entries: number; pressure: { isShrunk: boolean; shrinks: number } }
  newest: number | undefined
}

/** Stores about 400 MB under a heap of 128 MB. */
async function fill(bound: object, bytesOfValue: number): Promise<{ code: number; outcome: Outcome | undefined }> {
  const stores = Math.ceil(400e6 / bytesOfValue)
  const task = JSON.stringify({ bound, bytesOfValue, stores })
  const child = spawn(process.execPath, ['--max-old-space-size=128', SCRIPT, task], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { code: code as number, outcome: output === '' ? undefined : (JSON.parse(output) as Outcome) }
}

describe('S4-17: under --max-old-space-size=128, with a bound far above', () => {
  it.each([
    ['bytes, small values', { maxBytes: '8gb' }, 1_000],
    ['entries, small values', { maxEntries: 10_000_000 }, 1_000],
    ['entries, values that fill a page badly', { maxEntries: 10_000_000 }, 100_000],
    ['entries, values with pages of their own', { maxEntries: 10_000_000 }, 400_000],
  ])('survives: %s', async (_what, bound, bytesOfValue) => {
    const { code, outcome } = await fill(bound, bytesOfValue)
    expect(code).toBe(0)
    expect(outcome!.changes).toContainEqual({ state: 'shrunk', cause: 'heap' })
    expect(outcome!.held.pressure).toMatchObject({ isShrunk: true })
    // It gave up what it must and no more: a good part of the heap still holds values, the newest among them.
    expect(outcome!.held.entries * bytesOfValue).toBeGreaterThan(20e6)
    expect(outcome!.newest).toBe(Math.ceil(400e6 / bytesOfValue) - 1)
  })

  it('the test bites: without the look at memory the process dies', async () => {
    const { code } = await fill({ maxEntries: 10_000_000, pressure: false }, 1_000)
    expect(code).not.toBe(0)
  })
})
