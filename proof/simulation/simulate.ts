import { createHash } from 'node:crypto'
import type { Scenario } from './scenario.js'
import { Simulation } from './simulation.js'

export interface Outcome {
  /** What went against the promises, one sentence each. */
  readonly violations: readonly string[]
  readonly reads: number
  readonly acknowledgements: number
  /** Of everything that happened, in order: two runs of one scenario have the same. */
  readonly hash: string
  /** One line for each thing that happened. */
  readonly events: readonly string[]
}

/** Plays one scenario: real caches over the twin server, on one time line that only this function moves. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const simulation = new Simulation(scenario)
  await simulation.play()
  const { events, violations, reads, acknowledgements } = simulation
  const hash = createHash('sha256').update(events.join('\n')).digest('hex').slice(0, 16)
  return { violations, reads, acknowledgements, hash, events }
}
