import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { Promises } from '../../proof/soak/promises.ts'
import { soak } from '../../proof/soak/soak.ts'

const program = fileURLToPath(new URL('../../apps/cold-chain/dist/main.js', import.meta.url))

describe('S4-3: the soak', () => {
  it('a short one: no answer is older than promised, whatever breaks', async () => {
    const faults = ['connections cut', 'Redis killed', 'instance killed']
    const { calls, right, old, examples, ...told } = await soak({
      program,
      seed: 3,
      instances: 2,
      readsPerSecond: 60,
      writesPerSecond: 10,
      // How quick it is, a loaded machine must not decide.
      deadlineMs: 60_000,
      faults,
      pauseMs: 300,
      faultMs: 300,
      isEnough: (so) => so.faults >= faults.length && so.calls >= 200,
    })
    expect({ old, examples: examples.filter((example) => example.startsWith('old')) }).toEqual({ old: 0, examples: [] })
    expect(Object.keys(told.faults).sort()).toEqual(faults.sort())
    expect(told.acknowledged).toBeGreaterThan(0)
    // What was under way in the instance that was killed may fail.
    expect(right / calls).toBeGreaterThan(0.9)
  })

  it('its judge bites', () => {
    const promises = new Promises(0)
    expect(promises.hear('org-1', 'unitUpdate', { version: 5, receipt: 'r' })).toBe(true)
    expect(promises.hear('org-1', 'unitUpdate', { version: 5, receipt: 'r' })).toBe(false)
    expect(promises.hear('org-1', 'unitUpdate', { version: 6 })).toBe(false)
    const later = performance.now() + 1
    expect(promises.leastVersion('org-1', 'unit-status', later)).toBe(5)
    expect(promises.leastVersion('org-1', 'alerts', later)).toBe(0)
    expect(promises.leastVersion('org-2', 'stats', later)).toBe(0)
    expect(new Promises(10_000).leastVersion('org-1', 'stats', later)).toBe(0)
    expect(promises).toMatchObject({ acknowledged: 1, refused: 1 })
  })
})
