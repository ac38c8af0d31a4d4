import type { BoundFill } from './fill.js'
import type { Flight } from './flights.js'
import type { Found, FoundValue } from './found.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/** How much a read must prove: see the table in docs/guarantees.md. */
export type Consistency = 'eventual' | 'bounded' | 'strict'

/** One key that a call asks for. */
export interface Wanted {
  readonly space: Space
  /** As the tiers know it. */
  readonly key: Key
  /** As the caller gave it: what fills and tag functions see. */
  readonly userKey: Key
  readonly level: Consistency
  /** Undefined: read only. */
  readonly fill: BoundFill | undefined
  readonly tags: readonly string[] | undefined
}

/** One key on its way through the read path. */
export interface Job extends Wanted {
  readonly flight: Flight<Found>
  /** A value past its fresh life, served if the policy allows and no hard invalidation passed meanwhile. */
  candidate: FoundValue | undefined
  /** False once the callers were answered with stale data: nobody waits for a leader elsewhere. */
  isAwaited: boolean
}

/** What names a job in events. */
export function subject(job: Pick<Wanted, 'space' | 'userKey'>): { policy: string; tenant: string; key: Key } {
  return { policy: job.space.policy.name, tenant: job.space.namespace.tenant, key: job.userKey }
}

/** True if the stale candidate may be served within a window of its policy. */
export function isServable(job: Job, windowMs: number, nowMs: number): job is Job & { candidate: FoundValue } {
  const { candidate, flight, space } = job
  return (
    candidate !== undefined &&
    flight.poison !== 'hard' &&
    nowMs < candidate.freshUntilMs + windowMs &&
    space.namespace.standing(candidate.seen, candidate.tags) !== 'dead'
  )
}
