import { type Scenario, SWITCHES } from './scenario.js'
import { type Outcome, simulate } from './simulate.js'

/** A smaller scenario that still goes wrong: fewer faults, then fewer calls in less time, as long as it does. */
export async function shrink(scenario: Scenario): Promise<{ scenario: Scenario; outcome: Outcome }> {
  let smallest = { scenario, outcome: await simulate(scenario) }
  const tryIt = async (changes: Partial<Scenario>): Promise<boolean> => {
    const smaller = { ...smallest.scenario, ...changes }
    const outcome = await simulate(smaller)
    if (outcome.violations.length === 0) return false
    smallest = { scenario: smaller, outcome }
    return true
  }
  for (const fault of scenario.faults) {
    await tryIt({ faults: smallest.scenario.faults.filter((one) => one !== fault) })
  }
  await tryIt({ processes: 2 })
  for (const name of SWITCHES) if (scenario[name]) await tryIt({ [name]: false })
  for (const share of [0.25, 0.5, 0.75]) {
    if (await tryIt({ calls: Math.ceil(scenario.calls * share) })) break
  }
  return smallest
}
