import type { DiskSide } from './disk-side.js'
import type { Events } from './events.js'
import type { FillRunner } from './fill.js'
import type { LogSync } from './log-sync.js'
import type { Clock } from './ports/clock.js'
import type { MemoryTier } from './ports/local-tier.js'
import type { Random } from './ports/random.js'
import type { SharedTier } from './ports/shared-tier.js'
import type { TierCounters } from './stats.js'
import type { Work } from './work.js'

/** What a cache is made of, wired once in `create-cache.ts`. */
export interface LocalParts {
  readonly name: string
  /** Names this cache among all that share a tier: eight characters, new for each. */
  readonly sender: string
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  readonly fills: FillRunner
  readonly tiers: TierCounters
  readonly work: Work
  readonly memory: MemoryTier | undefined
  readonly disk: DiskSide | undefined
  readonly shared: SharedTier | undefined
}

/** With the log that keeps the local tiers honest, present exactly if there is a shared tier. */
export interface CacheParts extends LocalParts {
  readonly sync: LogSync | undefined
  /** How old memory's answers may be while the log cannot be followed; 0 = as ever, the staleness bound. */
  readonly outageMaxStaleMs: number
}
