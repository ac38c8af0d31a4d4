import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/testing/index.js'
import { scratchParent } from '../../kit/scratch-parent.js'
import { crash } from './crash.js'

const KILLS = Number(process.env.CRASH_KILLS ?? 200)
// The long run takes a real disk, where a kill also comes while it syncs.
const parent = process.env.CRASH_KILLS ? tmpdir() : scratchParent
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1e6)
const directories: string[] = []

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

describe('S4-12, S4-13: killed at random moments', () => {
  it.each([
    ['a log of small segments', { maxBytes: '8mb', maxLogValueBytes: '8kb' }, 0.5],
    ['a large log with compression', { maxBytes: '64mb', compression: { minBytes: 100 } }, 0.25],
    ["layout 'files', durability 'fsync'", { maxBytes: '16mb', layout: 'files', durability: 'fsync' }, 0.25],
  ] as const)(
    `nothing is wrong, lost or partial: %s (seed ${seed})`,
    { timeout: 1_200_000 },
    async (_name, options, share) => {
      const directory = mkdtempSync(join(parent, 'freshtier-crash-'))
      directories.push(directory)
      const kills = Math.ceil(KILLS * share)
      const report = await crash({ directory, ...options }, kills, seededRandom(seed))
      console.log(`${report.kills} kills, ${report.acknowledged} acknowledged, ${report.batches} of them batches`)
      expect(report).toMatchObject({ kills, wrong: [], lost: [], partial: [], troubles: [] })
      expect(report.acknowledged).toBeGreaterThan(kills)
    },
  )
})
