import { InvalidOptionError } from './errors.js'
import { compareIds } from './log-sync.js'
import type { LogPosition } from './ports/shared-tier.js'

/**
 * Proof of an acknowledged invalidation. `token` is short ASCII text that can travel in a header or cookie; a read with
 * `after: receipt` (or its token), in any process, is at least as new. A memory-only cache's token is empty: its reads
 * are always that new.
 */
export interface Receipt {
  readonly state: 'acknowledged'
  readonly token: string
}

/** Instead of a receipt, where that was asked for: nobody acknowledged the invalidation yet, this process delivers it. */
export interface QueuedInvalidation {
  readonly state: 'queued'
}

export const QUEUED: QueuedInvalidation = Object.freeze({ state: 'queued' })

/** Room for a position in each of 64 logs; cookies hold 4096 bytes. */
const MAX_TOKEN_LENGTH = 4_000

export function makeReceipt(positions: readonly LogPosition[]): Receipt {
  const newest = new Map<number, LogPosition>()
  for (const position of positions) {
    const other = newest.get(position.shard)
    if (other === undefined || compareIds(position.id, other.id) > 0) newest.set(position.shard, position)
  }
  const token = [...newest.values()].map(({ shard, generation, id }) => `${shard}:${generation}:${id}`).join('~')
  return Object.freeze({ state: 'acknowledged', token })
}

/**
 * Positions of a receipt or its token; undefined for an invalidation that is still queued, which no position proves. A
 * forged one can only make a read stricter: positions are compared with what this process has read of the log itself.
 */
export function parseReceipt(value: unknown, field: string): LogPosition[] | undefined {
  const given =
    typeof value === 'object' && value !== null ? (value as { state?: unknown; token?: unknown }) : undefined
  if (given?.state === 'queued') return undefined
  const token = given === undefined ? value : given.token
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH) {
    throw new InvalidOptionError({
      field,
      value,
      rule: 'must be a receipt of an invalidation, or its token',
      code: 'INVALID_RECEIPT',
    })
  }
  if (token === '') return []
  return token.split('~').map((part) => {
    const match = /^(\d{1,4}):([\w-]{1,32}):(\d{1,16}-\d{1,16})$/.exec(part)
    if (!match) {
      throw new InvalidOptionError({
        field,
        value: token,
        rule: 'must be the token of a receipt',
        code: 'INVALID_RECEIPT',
      })
    }
    return { shard: Number(match[1]), generation: match[2]!, id: match[3]! }
  })
}
