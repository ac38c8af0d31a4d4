import { Bulkhead } from './bulkhead.js'
import { PolicyCounters } from './counters.js'
import { CacheError, InvalidOptionError } from './errors.js'
import { Namespace } from './namespace.js'
import type { Policy, Rules } from './policy.js'
import type { Clock } from './ports/clock.js'
import type { Key } from './ports/local-tier.js'
import type { NamespaceId, SharedTier, StoredKey } from './ports/shared-tier.js'
import type { ServerTime } from './server-time.js'
import { type RegisteredPolicy, Space } from './space.js'
import { namespaceId, parseStoredKey, spacePrefix } from './stored-key.js'
import { isClean } from './tags.js'

export const MAX_TENANT_LENGTH = 128
/** Tenants that a process remembers; beyond it the longest known idle one is dropped, which costs its entries. */
const MAX_NAMESPACES = 100_000

/** The tenants and policies that a cache has met. */
export class Namespaces {
  readonly #byTenant = new Map<string, Namespace>()
  readonly #byId = new Map<NamespaceId, Namespace>()
  readonly #policies = new Map<string, RegisteredPolicy>()
  readonly #minLeaseMs: number
  #lastSpaceId = 0

  readonly #nowMs: () => number
  readonly #hereMs: (id: NamespaceId, serverMs: number) => number

  /** `shared`: whose command timeout a lease must outlive several times, and by whose clock things happened. */
  constructor(clock: Clock, shared?: { tier: SharedTier; time: ServerTime }) {
    this.#nowMs = () => clock.coarseNow()
    this.#hereMs = shared ? (id, ms) => shared.time.here(shared.tier.shardOf(id), ms) : this.#nowMs
    this.#minLeaseMs = shared === undefined ? 0 : shared.tier.commandTimeoutMs * 6
  }

  get size(): number {
    return this.#byTenant.size
  }

  get policies(): Iterable<RegisteredPolicy> {
    return this.#policies.values()
  }

  all(): Iterable<Namespace> {
    return this.#byTenant.values()
  }

  get(tenant: string): Namespace {
    const known = this.#byTenant.get(tenant)
    if (known) return known
    if (this.#byTenant.size >= MAX_NAMESPACES) this.#retireOne()
    const id = namespaceId(tenant)
    const namespace = new Namespace(tenant, id, this.#nowMs, (serverMs) => this.#hereMs(id, serverMs))
    this.#byTenant.set(tenant, namespace)
    this.#byId.set(namespace.id, namespace)
    return namespace
  }

  find(id: NamespaceId): Namespace | undefined {
    return this.#byId.get(id)
  }

  /** The space of a policy in a namespace, made at first use. */
  space(namespace: Namespace, policy: Policy): Space {
    const prefix = spacePrefix(namespace.id, policy.name, policy.version)
    const known = namespace.spaces.get(prefix)
    if (known && known.policy.rules === policy.rules) return known
    const registered = this.register(policy)
    if (known) return known
    const space = new Space(++this.#lastSpaceId, namespace, registered, prefix)
    namespace.spaces.set(prefix, space)
    return space
  }

  /** The entry of this process that a stored key means, if its space was ever used here. */
  locate(namespace: Namespace, stored: StoredKey): { space: Space; key: Key } | undefined {
    const parsed = parseStoredKey(stored)
    const space = parsed && namespace.spaces.get(parsed.spacePrefix)
    return space && { space, key: parsed.key }
  }

  /**
   * Makes a policy known.
   *
   * @throws CacheError `POLICY_CONFLICT` if another one of the same name and version has other rules.
   */
  register(policy: Policy): RegisteredPolicy {
    const id = `${policy.name}@${policy.version}`
    const known = this.#policies.get(id)
    if (known) {
      const field = known.rules === policy.rules ? undefined : differingRule(known.rules, policy.rules)
      if (field === undefined) return known
      throw new CacheError(
        'POLICY_CONFLICT',
        `Two policies are called '${policy.name}' (version ${policy.version}) and differ in ${field}. ` +
          'Define a policy once and share it, or give one of them another name or version.',
      )
    }
    const { rules, name, version } = policy
    if (rules.coordinate.leaseMs <= this.#minLeaseMs) {
      throw new InvalidOptionError({
        field: `policy '${name}': coordinate.leaseMs`,
        value: rules.coordinate.leaseMs,
        rule: `must be above six times the shared tier's command timeout (${this.#minLeaseMs} ms), or a lease could end between two renewals`,
      })
    }
    const registered = {
      name,
      version,
      rules,
      policy,
      bulkhead: new Bulkhead(name, rules),
      counters: new PolicyCounters(),
    }
    this.#policies.set(id, registered)
    return registered
  }

  #retireOne(): void {
    for (const [tenant, namespace] of this.#byTenant) {
      if ([...namespace.spaces.values()].some((space) => space.flights.size > 0)) continue
      this.#byTenant.delete(tenant)
      this.#byId.delete(namespace.id)
      namespace.retire()
      return
    }
  }
}

/**
 * @throws InvalidOptionError `INVALID_TENANT`
 */
export function checkTenant(id: unknown): string {
  if (typeof id !== 'string' || id.length === 0 || id.length > MAX_TENANT_LENGTH || !isClean(id)) {
    throw new InvalidOptionError({
      field: 'tenant',
      value: id,
      rule: `must be text of 1 to ${MAX_TENANT_LENGTH} characters without control characters`,
      code: 'INVALID_TENANT',
    })
  }
  return id
}

/**
 * Functions are compared by their text and a schema by presence: a policy defined again in a module that is loaded
 * twice is no conflict.
 */
function differingRule(a: Rules, b: Rules): string | undefined {
  for (const field of Object.keys(a) as (keyof Rules)[]) {
    const same =
      field === 'value'
        ? (a[field] === undefined) === (b[field] === undefined)
        : field === 'tags'
          ? String(a[field]) === String(b[field])
          : JSON.stringify(a[field]) === JSON.stringify(b[field])
    if (!same) return field
  }
  return undefined
}
