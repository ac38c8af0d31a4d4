import { describe, expect, it } from 'vitest'
import { FAULTS, scenarioOf, toldScenario } from '../../proof/simulation/scenario.js'
import { simulate } from '../../proof/simulation/simulate.js'

const SEEDS = Number(process.env.SEEDS ?? 1_000)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const SLICES = 10

describe(`${SEEDS} simulated fleets, from seed ${FIRST_SEED}`, () => {
  const slice = Math.ceil(SEEDS / SLICES)
  for (let from = FIRST_SEED; from < FIRST_SEED + SEEDS; from += slice) {
    const to = Math.min(from + slice, FIRST_SEED + SEEDS)
    it(`keep every promise: seeds ${from} to ${to - 1}`, async () => {
      const violations: string[] = []
      let reads = 0
      for (let seed = from; seed < to; seed++) {
        const scenario = scenarioOf(seed)
        const outcome = await simulate(scenario)
        reads += outcome.reads
        for (const violation of outcome.violations) violations.push(`${violation} (${toldScenario(scenario)})`)
      }
      expect(violations).toEqual([])
      expect(reads).toBeGreaterThan(to - from)
    })
  }
})

describe('a simulated fleet', () => {
  it('has the same history whenever its seed is played', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const scenario = scenarioOf(seed, { disk: seed > 2 })
      const first = await simulate(scenario)
      expect(first.events.length).toBeGreaterThan(50)
      expect((await simulate(scenario)).hash).toBe(first.hash)
    }
  })

  it('has another history for every seed', async () => {
    const outcomes = await Promise.all([6, 7, 8, 9].map((seed) => simulate(scenarioOf(seed))))
    expect(new Set(outcomes.map(({ hash }) => hash)).size).toBe(4)
  })

  it('suffers any of the faults, and never all of them', () => {
    const scenarios = Array.from({ length: 1_000 }, (_, index) => scenarioOf(index + 1))
    for (const fault of FAULTS) {
      const suffering = scenarios.filter(({ faults }) => faults.includes(fault)).length
      expect(suffering, fault).toBeGreaterThan(100)
    }
    expect(scenarios.every(({ faults }) => faults.length < FAULTS.length)).toBe(true)
  })

  it.each(FAULTS)('answers every call under %s alone', async (fault) => {
    const outcome = await simulate(scenarioOf(100 + FAULTS.indexOf(fault), { faults: [fault] }))
    expect(outcome.violations).toEqual([])
    expect(outcome.reads).toBeGreaterThan(10)
    expect(outcome.acknowledgements).toBeGreaterThan(0)
  })
})
