import { describe, expect, it } from 'vitest'
import { explore } from '../../proof/checker/explore.js'
import { counterexample, EFFICIENCY_ONLY, mutantChecks, safetyChecks } from '../../proof/checker/prove.js'

/**
 * Every rule of the protocol, and where its lack is found: the scope and the number of steps of the shortest
 * counterexample. `npm run prove -- <mutant>` prints it.
 */
const COUNTEREXAMPLES: Record<string, readonly [scope: string, steps: number]> = {
  'commit-unconditional': ['fence: three fills of two processes', 9],
  'commit-if-absent': ['fence: three fills of two processes', 9],
  'client-token': ['fence: three fills of two processes', 17],
  'lease-survives': ['fence: three fills of two processes', 9],
  'log-before-delete': ['memory: follows the log', 23],
  'poison-dropped': ['own process: reads beside its own invalidation', 13],
  'join-poisoned': ['own process: reads beside its own invalidation', 13],
  'evict-only-before': ['own process: reads beside its own invalidation', 15],
  'sync-stamped-at-receipt': ['memory: follows the log', 17],
  'anchor-ignored': ['log: trimmed, with rows of other keys', 20],
  'anchor-by-position': ['failover: the replica misses a row', 18],
  'join-sent-read': ['fence: three fills of two processes', 14],
  'join-unproven': ['fence: three fills of two processes', 14],
  'look-from-before': ['joins: three strict callers of one process', 17],
  'bound-ignored': ['bound: two callers, no look at the log', 14],
  'join-beyond-bound': ['bound: two callers, no look at the log', 14],
  'data-before-lease': ['moving slot: lease and data deleted one by one', 9],
  'born-after-load': ['strict: two callers, two invalidations', 15],
  'born-at-commit': ['strict: two callers, two invalidations', 14],
  'control-not-read': ['strict: two callers, two invalidations', 13],
  'control-from-before': ['strict: two callers, two invalidations', 14],
  'dead-handed-back': ['strict: two callers, two invalidations', 16],
  'off-by-one': ['strict: two callers, two invalidations', 15],
  'epoch-ignored': ['strict: the control block is lost', 16],
  'pruned-forgotten': ['strict: other tags move the clock, x is pruned', 16],
  'control-goes-back': ['bounded: memory that follows the log', 18],
  'judged-by-block-alone': ['bounded: memory that follows the log', 18],
  'believe-control-from-before-anchor': ['bounded: the log is trimmed and taken up anew', 20],
  'clocks-kept-over-anchor': ['bounded: the log is trimmed and taken up anew', 16],
  'memory-kept-over-anchor': ['bounded: the log is trimmed and taken up anew', 16],
  'join-ignores-clock': ['strict: callers that join a load', 15],
}

describe('the protocol, in every order of its steps', () => {
  it.each(safetyChecks('small'))('keeps its promises: $scope', ({ run }) => {
    const verdict = run()
    expect(verdict).toMatchObject({ verdict: 'safe' })
    expect(verdict.states).toBeGreaterThan(500)
  })

  it.each(mutantChecks().filter(({ name }) => !EFFICIENCY_ONLY.has(name)))('is broken by $name: $without', (mutant) => {
    const [scope, steps] = COUNTEREXAMPLES[mutant.name]!
    const found = counterexample({ ...mutant, checks: mutant.checks.filter((check) => check.scope === scope) })
    expect(found?.trace).toHaveLength(steps)
    expect(found?.fault).toMatch(/must be at least|has deleted the key/)
  })

  it.each(mutantChecks().filter(({ name }) => EFFICIENCY_ONLY.has(name)))('is only slowed by $name', (mutant) => {
    expect(counterexample(mutant)).toBeUndefined()
  })
})

describe('the explorer', () => {
  /** Counts to three by ones and twos. */
  const counting = (limit: number) => ({
    initial: { count: 0 },
    next: ({ count }: { count: number }) =>
      [1, 2].filter((by) => count + by <= 3).map((by) => ({ label: `+${by}`, state: { count: count + by } })),
    fault: ({ count }: { count: number }) => (count > limit ? `${count} is above ${limit}` : undefined),
  })

  it('visits each state once', () => {
    expect(explore(counting(3))).toEqual({ verdict: 'safe', states: 4, depth: 2 })
  })

  it('answers a shortest way to what is wrong', () => {
    expect(explore(counting(2))).toMatchObject({ verdict: 'violated', fault: '3 is above 2', trace: ['+1', '+2'] })
  })

  it('says so when it gives up', () => {
    expect(explore(counting(3), { maxStates: 2 })).toMatchObject({ verdict: 'unfinished' })
  })
})
