import type { SpaceView, TenantUsage } from '../core/ports/local-tier.js'
import type { Eviction } from './evictions/eviction.js'
import type { Groups } from './groups.js'
import type { Quota, QuotaRules } from './quota-options.js'
import type { Slots } from './slots.js'

/** Tenants named by `usage`. */
const TOP_TENANTS = 10

/** What one tenant holds. Its entries are in a list of their own, oldest first. */
class Account {
  readonly tenant: string
  readonly quota: Quota
  entries = 0
  weight = 0
  maxWeight = Infinity
  oldest = 0
  newest = 0
  /** The next to be looked at by the tenant's own sieve; 0 = begin with the oldest. */
  hand = 0
  evicted = 0
  isOver = false

  constructor(tenant: string, quota: Quota) {
    this.tenant = tenant
    this.quota = quota
  }

  /** Whether it would be above its quota with so much more. */
  isAbove(entries: number, weight: number): boolean {
    return this.entries + entries > this.quota.maxEntries || this.weight + weight > this.maxWeight
  }
}

/**
 * Soft quotas, around another eviction. While there is room nobody is held to a quota. When somebody must leave:
 *
 * 1. A tenant above its quota (or about to be) makes room for its own new entry among its own.
 * 2. Else whoever went above its quota first gives way.
 * 3. Else the inner eviction decides over all, as if there were no quotas.
 *
 * Within a tenant SIEVE decides: its entries form a queue through two words of their records, and a bit of one of them
 * says "read since the hand came past". So a read costs one bit more, everything is O(1), and an entry 8 bytes.
 *
 * What lies outside any tenant has no quota.
 */
export class TenantQuotas implements Eviction {
  readonly #slots: Slots
  readonly #groups: Groups
  readonly #rules: QuotaRules
  #inner: Eviction
  readonly #accounts = new Map<string, Account>()
  /** Accounts above their quota, in the order in which they went above it. */
  readonly #over = new Set<Account>()
  /** What `share` is a share of. */
  #room: number

  constructor(inner: Eviction, { slots, groups }: { slots: Slots; groups: Groups }, rules: QuotaRules, room: number) {
    this.#inner = inner
    this.#slots = slots
    this.#groups = groups
    this.#rules = rules
    this.#room = room
  }

  added(slot: number): void {
    this.#inner.added(slot)
    this.#enter(this.#accountOf(slot), slot)
  }

  used(slot: number): void {
    this.#inner.used(slot)
    this.#slots.visit(slot)
  }

  removed(slot: number): void {
    this.#inner.removed(slot)
    this.#leave(this.#accountOf(slot), slot)
  }

  displaced(slot: number, hash: number, space: SpaceView): void {
    this.#inner.displaced(slot, hash, space)
    this.#leave(this.#accountOf(slot), slot)
    this.#enter(this.#account(space.namespace.tenant), slot)
  }

  reweighed(slot: number, delta: number): void {
    this.#inner.reweighed(slot, delta)
    this.#weigh(this.#accountOf(slot), delta)
  }

  victim(weight: number, space: SpaceView | undefined): number {
    const own = space && this.#accounts.get(space.namespace.tenant)
    const noisy = own?.isAbove(1, weight) ? own : this.#over.values().next().value
    const slot = noisy === undefined ? this.#inner.victim(weight, space) : this.#leaverOf(noisy)
    this.#accountOf(slot).evicted++
    return slot
  }

  order(): Iterable<number> {
    return this.#inner.order()
  }

  /** Another eviction, which holds the same entries already. */
  useInner(inner: Eviction): void {
    this.#inner = inner
  }

  /** Another size of the whole: shares are of it. */
  resize(room: number): void {
    this.#room = room
    for (const account of this.#accounts.values()) {
      account.maxWeight = this.#maxWeightOf(account.quota)
      this.#weigh(account, 0)
    }
  }

  /** Those who hold most, the largest first. */
  usage(isSized: boolean): TenantUsage[] {
    return [...this.#accounts.values()]
      .sort((a, b) => b.weight - a.weight)
      .slice(0, TOP_TENANTS)
      .map(({ tenant, entries, weight, evicted, isOver }) => ({
        tenant,
        entries,
        bytes: isSized ? weight : 0,
        evicted,
        isOverQuota: isOver,
      }))
  }

  /** Each account with its entries: for checks. */
  *accounts(): Iterable<{ tenant: string; entries: number; weight: number; slots: number[] }> {
    for (const { tenant, entries, weight, oldest } of this.#accounts.values()) {
      const slots: number[] = []
      for (let slot = oldest; slot !== 0; slot = this.#slots.tenantNewer(slot)) slots.push(slot)
      yield { tenant, entries, weight, slots }
    }
  }

  #enter(account: Account, slot: number): void {
    this.#append(account, slot)
    account.entries++
    this.#weigh(account, this.#slots.weight(slot))
  }

  #leave(account: Account, slot: number): void {
    if (account.hand === slot) account.hand = this.#slots.tenantNewer(slot)
    this.#unlink(account, slot)
    account.entries--
    this.#weigh(account, -this.#slots.weight(slot))
    if (account.entries === 0) this.#accounts.delete(account.tenant)
  }

  #accountOf(slot: number): Account {
    return this.#account(this.#groups.space(this.#slots.group(slot)).namespace.tenant)
  }

  #account(tenant: string): Account {
    let account = this.#accounts.get(tenant)
    if (account === undefined) {
      account = new Account(tenant, this.#rules.of(tenant))
      account.maxWeight = this.#maxWeightOf(account.quota)
      this.#accounts.set(tenant, account)
    }
    return account
  }

  #maxWeightOf({ share, maxBytes }: Quota): number {
    return Math.min(share * this.#room, maxBytes)
  }

  #weigh(account: Account, delta: number): void {
    account.weight += delta
    const isOver = account.isAbove(0, 0)
    if (isOver === account.isOver) return
    account.isOver = isOver
    if (isOver) this.#over.add(account)
    else this.#over.delete(account)
  }

  /** The first in the tenant's queue, from its hand on, that was not read since the hand came past. */
  #leaverOf(account: Account): number {
    const slots = this.#slots
    let slot = account.hand || account.oldest
    while (slots.takeVisit(slot)) slot = slots.tenantNewer(slot) || account.oldest
    account.hand = slot
    return slot
  }

  #append(account: Account, slot: number): void {
    const slots = this.#slots
    slots.setTenantOlder(slot, account.newest)
    slots.setTenantNewer(slot, 0)
    if (account.newest === 0) account.oldest = slot
    else slots.setTenantNewer(account.newest, slot)
    account.newest = slot
  }

  #unlink(account: Account, slot: number): void {
    const slots = this.#slots
    const older = slots.tenantOlder(slot)
    const newer = slots.tenantNewer(slot)
    if (older === 0) account.oldest = newer
    else slots.setTenantNewer(older, newer)
    if (newer === 0) account.newest = older
    else slots.relinkTenantOlder(newer, older)
  }
}
