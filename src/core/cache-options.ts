import { InvalidOptionError } from './errors.js'
import { checkFields, checkItems, checkMethods, checkOneOf } from './options.js'
import { checkPolicy, definePolicy, type Policy, type PolicyOptions, RULE_FIELDS } from './policy.js'
import type { Clock } from './ports/clock.js'
import type { DiskTierDefinition } from './ports/disk-tier.js'
import type { MemoryTierDefinition } from './ports/local-tier.js'
import type { Random } from './ports/random.js'
import type { SharedTierDefinition } from './ports/shared-tier.js'
import { type Duration, parsePositiveDuration } from './quantity.js'
import { systemClock } from './system-clock.js'
import { systemRandom } from './system-random.js'

export type TierDefinition = MemoryTierDefinition | DiskTierDefinition | SharedTierDefinition

export interface CacheOptions extends Partial<Omit<PolicyOptions, 'name' | 'version'>> {
  /** First part of every shared key, and the metrics label: 1 to 32 letters, digits, `.`, `_`, `-`. Default `'cache'`. */
  name?: string
  /** Nearest first: at most one memory tier, one disk tier, one shared tier. Default: memory alone, 64 MB. */
  tiers?: readonly TierDefinition[]
  /**
   * How old, at most, a value of memory may be in the face of an invalidation elsewhere. Must be at least twice the
   * shared tier's poll interval plus its command timeout. Default `'2s'`.
   */
  maxStaleness?: Duration
  /**
   * While the shared tier's log cannot be followed: `'bound'` (default) lets memory answer within `maxStaleness` of the
   * last look at the log or of the value's own load, then reads fill. `'serve'` lets it answer up to `outageMaxStale`,
   * counted in `stats().staleness.outageHits`; invalidations by other processes are then missed for as long.
   */
  outage?: 'bound' | 'serve'
  /** With `outage: 'serve'`: the limit, at least `maxStaleness`. Default `'60s'`. */
  outageMaxStale?: Duration
  /** Policies to check now instead of at their first use. */
  policies?: readonly Policy[]
  /** For tests: where time comes from. */
  clock?: Clock
  /** For tests: where randomness comes from. */
  random?: Random
}

/** Options that were checked, with defaults for what was left out. */
export interface CacheRules {
  readonly name: string
  readonly memoryTier: MemoryTierDefinition | undefined
  readonly diskTier: DiskTierDefinition | undefined
  readonly sharedTier: SharedTierDefinition | undefined
  readonly maxStaleness: Duration
  readonly maxStalenessMs: number
  /** 0 = no limit but the bound. */
  readonly outageMaxStaleMs: number
  /** Of calls that name none. */
  readonly defaultPolicy: Policy | undefined
  /** To be registered at once, the default policy among them. */
  readonly policies: readonly Policy[]
  readonly clock: Clock
  readonly random: Random
}

const FIELDS = [
  'name',
  'tiers',
  'maxStaleness',
  'outage',
  'outageMaxStale',
  'policies',
  'clock',
  'random',
  ...RULE_FIELDS,
]

/** @throws InvalidOptionError naming the field, the value and the rule. */
export function checkCacheOptions(options: CacheOptions, defaultMemory: () => MemoryTierDefinition): CacheRules {
  checkFields(options, FIELDS, 'createCache')
  // Only what is left out has a default: null is a mistake.
  const { tiers = [defaultMemory()], maxStaleness = '2s', clock = systemClock, random = systemRandom } = options
  const name = checkName(options.name === undefined ? 'cache' : options.name)
  const given = checkTiers(tiers)
  const maxStalenessMs = parsePositiveDuration(maxStaleness, 'createCache.maxStaleness')
  const outageMaxStaleMs = checkOutage(options, maxStalenessMs)
  checkMethods(clock, ['now', 'coarseNow', 'wallNow', 'setTimer', 'setHousekeepingTimer'], 'createCache.clock')
  checkMethods(random, ['next', 'fillId', 'shortId'], 'createCache.random')
  const defaultPolicy = defaultPolicyOf(options)
  const policies = options.policies === undefined ? [] : checkItems(options.policies, 'createCache.policies')
  for (const [index, policy] of policies.entries()) checkPolicy(policy, `createCache.policies[${index}]`)
  return {
    name,
    ...given,
    maxStaleness,
    maxStalenessMs,
    outageMaxStaleMs,
    defaultPolicy,
    policies: defaultPolicy ? [defaultPolicy, ...policies] : policies,
    clock,
    random,
  }
}

function checkName(name: unknown): string {
  if (typeof name === 'string' && /^[a-z0-9][a-z0-9._-]{0,31}$/i.test(name)) return name
  throw new InvalidOptionError({
    field: 'createCache.name',
    value: name,
    rule: "must be 1 to 32 letters, digits, '.', '_' or '-', the first a letter or digit",
  })
}

function checkTiers(value: unknown): Pick<CacheRules, 'memoryTier' | 'diskTier' | 'sharedTier'> {
  const field = 'createCache.tiers'
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidOptionError({
      field,
      value,
      rule: 'must be an array of at least one tier, such as [memoryTier()]',
    })
  }
  const tiers = value as readonly TierDefinition[]
  for (const [index, tier] of tiers.entries()) {
    if (typeof tier?.open !== 'function' || (tier.kind !== 'local' && tier.kind !== 'shared')) {
      throw new InvalidOptionError({
        field: `${field}[${index}]`,
        value: tier,
        rule: 'must be made by memoryTier, redisTier or another tier function',
      })
    }
  }
  const ranks = tiers.map((tier) => (tier.kind === 'shared' ? 2 : tier.name === 'disk' ? 1 : 0))
  if (ranks.some((rank, index) => index > 0 && rank <= ranks[index - 1]!)) {
    throw new InvalidOptionError({
      field,
      value: tiers.map((tier) => tier.name).join(', '),
      rule: 'must name each tier once: memory first, then disk, then at most one shared tier',
    })
  }
  return {
    memoryTier: tiers[ranks.indexOf(0)] as MemoryTierDefinition | undefined,
    diskTier: tiers[ranks.indexOf(1)] as DiskTierDefinition | undefined,
    sharedTier: tiers[ranks.indexOf(2)] as SharedTierDefinition | undefined,
  }
}

/** The tier that is opened says how close memory can follow. */
export function checkBound({ maxStaleness, maxStalenessMs }: CacheRules, leastMs: number): void {
  if (maxStalenessMs >= leastMs) return
  throw new InvalidOptionError({
    field: 'createCache.maxStaleness',
    value: maxStaleness,
    rule: `must be at least twice the shared tier's poll interval plus its command timeout (${leastMs} ms)`,
  })
}

/** The limit for memory's answers in an outage; 0 = none but the bound. */
function checkOutage({ outage = 'bound', outageMaxStale }: CacheOptions, maxStalenessMs: number): number {
  const field = 'createCache.outageMaxStale'
  if (checkOneOf(outage, ['bound', 'serve'], 'createCache.outage') === 'bound') {
    if (outageMaxStale === undefined) return 0
    throw new InvalidOptionError({ field, value: outageMaxStale, rule: "belongs to outage: 'serve'" })
  }
  const limitMs = outageMaxStale === undefined ? 60_000 : parsePositiveDuration(outageMaxStale, field)
  if (limitMs >= maxStalenessMs) return limitMs
  throw new InvalidOptionError({
    field,
    value: outageMaxStale ?? '60s',
    rule: `must be at least maxStaleness (${maxStalenessMs} ms)`,
  })
}

/** The policy of calls that name none: made of the cache's own policy fields, if it has a ttl. */
function defaultPolicyOf(options: CacheOptions): Policy | undefined {
  const given = RULE_FIELDS.filter((field) => options[field] !== undefined)
  if (options.ttl === undefined) {
    if (given.length === 0) return undefined
    throw new InvalidOptionError({
      field: `createCache.${given[0]}`,
      value: options[given[0]!],
      rule: 'belongs to the default policy, which needs a ttl as well',
    })
  }
  const fields = Object.fromEntries(given.map((field) => [field, options[field]]))
  return definePolicy({ ...(fields as Omit<PolicyOptions, 'name'>), name: 'default' })
}
