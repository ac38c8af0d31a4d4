import type { Clock } from '../../../src/core/ports/clock.js'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { systemClock } from '../../../src/core/system-clock.js'
import { systemRandom } from '../../../src/core/system-random.js'
import { type UpstashTierOptions, upstashTier } from '../../../src/upstash/index.js'

export const TOKEN = 'AXNzYWxsLXRoaXMtaXMtc2VjcmV0'
export const NAMESPACE = '5:org-7'
export const KEY = '5:org-7|unit-counts@1|all'

/** The tier as a cache named 'test' opens it, with a deadline that a slow machine does not miss. */
export function openUpstashTier(
  options: Omit<UpstashTierOptions, 'token'>,
  { clock = systemClock }: { clock?: Clock } = {},
): SharedTier {
  const definition = upstashTier({ token: TOKEN, commandTimeout: '60s', ...options })
  return definition.open({ cacheName: 'test', clock, random: systemRandom })
}
