import { decodeEnvelope, type Envelope } from './envelope.js'
import { errorText } from './error-text.js'
import { CacheError } from './errors.js'
import type { Invalidator } from './invalidate.js'
import type { Namespace } from './namespace.js'
import type { CacheParts } from './parts.js'
import type { Key, LocalEntry } from './ports/local-tier.js'
import type { Control, SharedTier } from './ports/shared-tier.js'
import type { RecentInvalidation } from './recent-invalidations.js'
import { lastSoft } from './soft-clocks.js'
import type { Space } from './space.js'
import { storedKey } from './stored-key.js'

/** What one tier has of an entry. */
export interface TierExplanation {
  readonly tier: string
  /**
   * `'expired'`: its time is over. `'dead'`: invalidated, as if absent. `'unproven'`: held, but this process cannot say
   * whether it is recent enough. `'unreadable'`: foreign bytes. `'failed'`: the tier did not answer.
   */
  readonly state: 'fresh' | 'stale' | 'expired' | 'dead' | 'unproven' | 'missing' | 'unreadable' | 'failed'
  /** A sentence for people. */
  readonly why: string
  readonly ageMs?: number
  /** Milliseconds of fresh life left; below zero once it is over. */
  readonly ttlMs?: number
  readonly tags?: readonly string[]
}

/** Where an entry is, and what a read of it would come to. Holds no values. */
export interface Explanation {
  readonly policy: string
  readonly version: number
  readonly tenant: string
  readonly key: Key
  /** Its name in the shared tier, behind the cache's own prefix. */
  readonly storedKey: string
  /** Who would answer `getOrFill` now: a tier's name, the `'flight'` under way, or a `'fill'`. */
  readonly answer: string
  readonly tiers: readonly TierExplanation[]
  /** Reads, fills and stores of this key under way in this process, the newest first. */
  readonly flights: readonly {
    readonly startedMsAgo: number
    readonly waiters: number
    /** False: it began before an invalidation, or only reads. */
    readonly isJoinable: boolean
    /** True: what it brings is not kept. */
    readonly isPoisoned: boolean
  }[]
  /** Whether somebody, anywhere, holds the lease to fill it. Absent without a shared tier, or if it did not answer. */
  readonly isLeased?: boolean
  /** The latest invalidations of the entry, its tags or its namespace that this process knows of, the latest first. */
  readonly invalidations: readonly RecentInvalidation[]
}

/** Looks at an entry everywhere without touching it: nothing is counted, promoted, dropped or filled. */
export async function explain(
  { parts, invalidator }: { parts: CacheParts; invalidator: Invalidator },
  { space, key, userKey }: { space: Space; key: Key; userKey: Key },
): Promise<Explanation> {
  const stored = storedKey(space.prefix, key)
  const held = parts.memory?.look(space, key)
  const ofMemory = parts.memory && explainMemory(parts, space, held)
  const shared = parts.shared && (await explainShared(parts.shared, space, stored, parts))
  const nowMs = parts.clock.now()
  const flights = [...space.flights.of(key)].map((flight) => ({
    startedMsAgo: nowMs - flight.startedAtMs,
    waiters: flight.waiters,
    isJoinable: !flight.isDetached && !flight.isPoisoned,
    isPoisoned: flight.isPoisoned,
  }))
  const tiers = [ofMemory, shared?.tier].filter((tier) => tier !== undefined)
  const answering = tiers.find(({ state }) => state === 'fresh')
  const tags = new Set(tiers.flatMap((tier) => tier.tags ?? []))
  return {
    policy: space.policy.name,
    version: space.policy.version,
    tenant: space.namespace.tenant,
    key: userKey,
    storedKey: stored,
    answer: ofMemory?.state === 'fresh' ? 'memory' : flights[0]?.isJoinable ? 'flight' : (answering?.tier ?? 'fill'),
    tiers,
    flights,
    ...(shared?.isLeased === undefined ? {} : { isLeased: shared.isLeased }),
    invalidations: invalidator.recent.touching(space, key, [...tags]),
  }
}

function explainMemory(parts: CacheParts, space: Space, entry: LocalEntry | undefined): TierExplanation {
  const tier = 'memory'
  if (entry === undefined) return { tier, state: 'missing', why: 'Memory holds nothing under this key.' }
  const { clock, sync } = parts
  const nowMs = clock.now()
  const facts = {
    tier,
    ageMs: Math.max(0, Math.round(clock.wallNow() - entry.storedAtMs)),
    ttlMs: Math.round(entry.freshUntilMs - nowMs),
    tags: entry.tags ?? [],
  }
  const standing = space.namespace.standing(entry.seen, entry.tags)
  if (standing === 'dead') return { ...facts, state: 'dead', why: whyDeadHere(space.namespace, entry) }
  if (sync && !sync.covers(sync.syncedAtMs, nowMs)) {
    const why = 'The log of invalidations was last followed longer ago than maxStaleness: memory may not answer.'
    return { ...facts, state: 'unproven', why }
  }
  if (standing === 'stale') return { ...facts, state: 'stale', why: 'One of its tags was softly invalidated.' }
  return { ...facts, ...ageing(facts.ttlMs, entry.staleMs) }
}

function whyDeadHere(namespace: Namespace, { seen, tags }: LocalEntry): string {
  const tag = tags?.find((one) => namespace.standing(seen, [one]) === 'dead')
  if (namespace.standing(seen, undefined) === 'dead' || tag === undefined) {
    return 'Its namespace was cleared, or the log of invalidations was lost, after it was stored.'
  }
  return `Its tag '${tag}' was invalidated after it was stored.`
}

async function explainShared(
  shared: SharedTier,
  space: Space,
  stored: string,
  { clock }: CacheParts,
): Promise<{ tier: TierExplanation; isLeased?: boolean }> {
  const tier = shared.name
  const { id } = space.namespace
  try {
    const [reply, follow] = await Promise.all([shared.read(id, [stored], { tags: [] }), shared.follow(id, [stored])])
    const isLeased = follow.states[0]!.leased
    const text = reply.envelopes[0]
    if (text === undefined) {
      return { tier: { tier, state: 'missing', why: `The ${tier} tier holds nothing under this key.` }, isLeased }
    }
    const envelope = decodeEnvelope(text)
    if (envelope === undefined) {
      const why = 'What lies there was not written by this version of freshtier.'
      return { tier: { tier, state: 'unreadable', why }, isLeased }
    }
    const control = await shared.control(id, envelope.tags)
    const ageMs = Math.max(0, reply.serverNowMs - envelope.storedAtMs)
    const facts = { tier, ageMs, ttlMs: envelope.freshMs - ageMs, tags: envelope.tags }
    const judged = judgeShared(envelope, control, clock.wallNow())
    return { tier: { ...facts, ...(judged ?? ageing(facts.ttlMs, envelope.staleMs)) }, isLeased }
  } catch (error) {
    const said = CacheError.is(error) ? error.code : errorText(error)
    return { tier: { tier, state: 'failed', why: `The ${tier} tier did not answer: ${said}` } }
  }
}

/** Undefined: nothing has passed since it was born. */
function judgeShared(
  { epoch, born, tags, soft }: Envelope,
  control: Control,
  wallNowMs: number,
): Pick<TierExplanation, 'state' | 'why'> | undefined {
  const ago = (clock: number): string => `${Math.max(0, Math.round(wallNowMs - clock / 1_000))} ms ago`
  const dead = (why: string) => ({ state: 'dead', why }) as const
  if (epoch !== control.epoch) return dead('The control block of its namespace was lost and opened anew (its epoch).')
  if (control.floor > born) return dead(`Its namespace was cleared ${ago(control.floor)} (its floor).`)
  for (const [index, tag] of tags.entries()) {
    const { hard } = control.tags[index] ?? {}
    if (hard !== undefined && hard > born) return dead(`Its tag '${tag}' was invalidated ${ago(hard)}.`)
    if (hard === undefined && born <= control.pruned) {
      return dead(`It is older than the oldest invalidation that is still known of its tag '${tag}'.`)
    }
  }
  if (soft) return { state: 'stale', why: 'It was softly invalidated by key.' }
  const softly = tags.find((_, index) => lastSoft(control.tags[index]?.soft) > born)
  return softly === undefined ? undefined : { state: 'stale', why: `Its tag '${softly}' was softly invalidated.` }
}

function ageing(ttlMs: number, staleMs: number): Pick<TierExplanation, 'state' | 'why'> {
  if (ttlMs > 0) return { state: 'fresh', why: 'Within its ttl, and nothing has invalidated it.' }
  if (ttlMs > -staleMs) return { state: 'stale', why: 'Its ttl is over; it may stand in as the policy allows.' }
  return { state: 'expired', why: 'Its ttl and its stale window are over.' }
}
