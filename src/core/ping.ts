import { CacheError } from './errors.js'
import type { CacheParts } from './parts.js'
import type { DiskTier } from './ports/disk-tier.js'

/** How one tier answered. */
export interface TierPing {
  readonly tier: string
  readonly state: 'up' | 'down'
  readonly latencyMs: number
  /** Why it is down. */
  readonly error?: unknown
}

/** Asks each tier for a sign of life, all at once. Never rejects; the shared tier has until `deadlineMs`. */
export async function pingTiers(
  { memory, disk, shared, clock }: Pick<CacheParts, 'memory' | 'disk' | 'shared' | 'clock'>,
  deadlineMs: number,
): Promise<TierPing[]> {
  const pings: TierPing[] = memory ? [{ tier: memory.name, state: 'up', latencyMs: 0 }] : []
  if (disk) pings.push(pingDisk(disk.tier))
  if (shared === undefined) return pings
  const startedAt = clock.now()
  const late = new CacheError('SHARED_TIER_TIMEOUT', `The ${shared.name} tier did not answer within ${deadlineMs} ms.`)
  let cancel!: () => void
  const deadline = new Promise<never>((_, reject) => {
    cancel = clock.setTimer(() => reject(late), deadlineMs)
  })
  const error = await Promise.race([shared.tail(0), deadline]).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  cancel()
  const latencyMs = clock.now() - startedAt
  const { name: tier } = shared
  pings.push(error === undefined ? { tier, state: 'up', latencyMs } : { tier, state: 'down', latencyMs, error })
  return pings
}

/** Nothing is read or written: a device that fails is known from its breakers. */
function pingDisk(tier: DiskTier): TierPing {
  const { name: tierName, state } = tier
  const { reads, writes } = tier.usage()
  const given = [...(reads === 'closed' ? [] : ['reads']), ...(writes === 'closed' ? [] : ['writes'])]
  if (state !== 'failed' && given.length === 0) return { tier: tierName, state: 'up', latencyMs: 0 }
  const says =
    state === 'failed' ? 'its directory cannot be used' : `its device fails, ${given.join(' and ')} are given up`
  const error = new CacheError('DISK_TIER_FAILED', `The disk tier: ${says}.`)
  return { tier: tierName, state: 'down', latencyMs: 0, error }
}
