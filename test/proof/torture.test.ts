import { expect, it } from 'vitest'
import { torture } from '../../proof/torture/torture.js'

const SEED = Number(process.env.SEED ?? 1)

it(`three processes over a Redis whose lines break read nothing beyond the promise of their level (seed ${SEED})`, async () => {
  const outcome = await torture({
    worker: new URL('../../proof/torture/worker.mjs', import.meta.url),
    seed: SEED,
    processes: 3,
    isEnough: ({ reads, acknowledgements, faults }) => reads > 1_500 && acknowledgements > 100 && faults >= 20,
  })
  expect(outcome.violations).toEqual([])
  expect(outcome.reads).toBeGreaterThan(1_500)
  // A broken line may cost a write its acknowledgement, never a read its answer.
  expect(Object.keys(outcome.rejections).filter((name) => name !== 'write: SHARED_TIER_FAILED')).toEqual([])
})
