import type { BoundFill } from './fill.js'
import type { Consistency } from './job.js'
import type { Key } from './ports/local-tier.js'
import type { Space } from './space.js'

/** One call, checked: what is wanted and how much the answer must prove. */
export interface ReadRequest {
  readonly space: Space
  readonly key: Key
  readonly userKey: Key
  readonly level: Consistency
  /** Undefined: read only. */
  readonly fill: BoundFill | undefined
  readonly tags: readonly string[] | undefined
  readonly signal: AbortSignal | undefined
}
