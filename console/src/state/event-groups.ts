/** Which log an event belongs to. */
export type EventGroup = 'fills' | 'tiers' | 'invalidations'

const GROUPS: Readonly<Record<EventGroup, readonly string[]>> = {
  fills: [
    'miss',
    'joined',
    'followed',
    'hedged',
    'stale',
    'filled',
    'fill-failed',
    'fenced',
    'lease-lost',
    'not-stored',
  ],
  tiers: ['tier-failed', 'breaker', 'damaged', 'memory-pressure', 'log-broken'],
  invalidations: ['invalidated', 'invalidation-queued', 'invalidation-delivered', 'publish-failed'],
}

const BY_TYPE = new Map(
  (Object.keys(GROUPS) as EventGroup[]).flatMap((group) => GROUPS[group].map((type) => [type, group] as const)),
)

/** What a newer service tells and this page does not know is shown with the tiers. */
export function groupOf(type: string): EventGroup {
  return BY_TYPE.get(type) ?? 'tiers'
}
