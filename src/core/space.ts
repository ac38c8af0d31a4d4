import type { Bulkhead } from './bulkhead.js'
import type { PolicyCounters } from './counters.js'
import { Flights } from './flights.js'
import type { Found } from './found.js'
import type { Namespace } from './namespace.js'
import type { Policy, Rules } from './policy.js'
import type { SpaceView } from './ports/local-tier.js'
import type { Tickets } from './tickets.js'

/** What all spaces of one policy share within a cache. */
export interface RegisteredPolicy {
  readonly name: string
  readonly version: number
  readonly rules: Rules
  /** As it was first given. */
  readonly policy: Policy
  readonly bulkhead: Bulkhead
  readonly counters: PolicyCounters
}

/** One policy in one namespace: where entries of one kind and one tenant live. */
export class Space implements SpaceView {
  readonly id: number
  readonly namespace: Namespace
  readonly policy: RegisteredPolicy
  /** The part of a stored key in front of the key itself. */
  readonly prefix: string
  /** Hits are looked at twice: they may be refreshed before they are over. */
  readonly refreshesAhead: boolean
  readonly flights = new Flights<Found>()
  /** Misses of sync views, made with the first view. */
  tickets: Tickets | undefined

  constructor(id: number, namespace: Namespace, policy: RegisteredPolicy, prefix: string) {
    this.id = id
    this.namespace = namespace
    this.policy = policy
    this.prefix = prefix
    this.refreshesAhead = policy.rules.refreshAheadBeta > 0
  }
}
