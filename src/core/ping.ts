import { CacheError } from './errors.js'
import type { CacheParts } from './parts.js'

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
  { memory, shared, clock }: Pick<CacheParts, 'memory' | 'shared' | 'clock'>,
  deadlineMs: number,
): Promise<TierPing[]> {
  const pings: TierPing[] = memory ? [{ tier: memory.name, state: 'up', latencyMs: 0 }] : []
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
