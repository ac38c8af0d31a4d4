import type { Cache } from '../core/create-cache.js'
import { errorText } from '../core/error-text.js'
import { CacheError } from '../core/errors.js'
import { checkMethods } from '../core/options.js'

/**
 * `pass`: every tier answers. `degraded`: the shared tier or the disk does not answer; reads go on without it. `fail`:
 * the cache cannot be used.
 */
export interface CacheHealth {
  readonly status: 'pass' | 'degraded' | 'fail'
  readonly latencyMs: number
  readonly message?: string
  readonly tiers: Readonly<Record<string, TierHealth>>
}

export interface TierHealth {
  readonly status: 'pass' | 'fail'
  readonly latencyMs: number
  readonly message?: string
}

/**
 * Asks every tier for a sign of life. Answers by `deadlineMs` (default 1000), also while a server hangs; rejects for bad input only.
 *
 * ```ts
 * const { status } = await cacheHealth(cache)
 * ```
 */
export async function cacheHealth(cache: Cache, options: { deadlineMs?: number } = {}): Promise<CacheHealth> {
  checkMethods(cache, ['ping'], 'cacheHealth: cache')
  try {
    const pings = await cache.ping(options)
    const tiers = Object.fromEntries(
      pings.map(({ tier, state, latencyMs, error }): [string, TierHealth] => {
        const told = { status: state === 'up' ? 'pass' : 'fail', latencyMs: rounded(latencyMs) } as const
        return [tier, state === 'up' ? told : { ...told, message: errorText(error) }]
      }),
    )
    const latencyMs = rounded(Math.max(0, ...pings.map((ping) => ping.latencyMs)))
    const down = pings.filter(({ state }) => state === 'down').map(({ tier }) => tier)
    if (down.length > 0) {
      return { status: 'degraded', latencyMs, message: `The ${down.join(', ')} tier does not answer.`, tiers }
    }
    return { status: 'pass', latencyMs, tiers }
  } catch (error) {
    if (!CacheError.is(error) || error.code === 'INVALID_OPTION') throw error
    return { status: 'fail', latencyMs: 0, message: errorText(error), tiers: {} }
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
