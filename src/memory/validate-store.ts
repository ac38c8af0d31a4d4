import assert from 'node:assert/strict'
import type { EntryStore } from './entry-store.js'
import type { Slots } from './slots.js'

/** Checks that slots, index, groups and eviction tell the same story. For tests: it looks at everything. */
export function validateStore(store: EntryStore): void {
  const live = liveSlots(store.slots)
  assert.equal(live.size, store.slots.count, 'the count of slots in use')
  checkFreeSlots(store.slots, live)
  checkSame(store.index.listed(), live, 'the index')
  checkSame(store.eviction.order(), live, 'the eviction')
  checkKeys(store, live)
  checkGroups(store, live)
  checkSizes(store, live)
  checkTenants(store, live)
}

function liveSlots(slots: Slots): Set<number> {
  const live = new Set<number>()
  for (let slot = 1; slot <= slots.top; slot++) if (slots.isLive(slot)) live.add(slot)
  return live
}

function checkFreeSlots(slots: Slots, live: ReadonlySet<number>): void {
  const free = new Set<number>()
  for (const slot of slots.free()) {
    assert(!free.has(slot), `slot ${slot} is twice in the free list`)
    assert(!live.has(slot), `slot ${slot} is both free and in use`)
    assert.equal(slots.key(slot), undefined, `free slot ${slot} keeps its key alive`)
    assert.equal(slots.value(slot), undefined, `free slot ${slot} keeps its value alive`)
    free.add(slot)
  }
  assert.equal(free.size + live.size, slots.top, 'slots free and in use')
}

function checkSame(listed: Iterable<number>, live: ReadonlySet<number>, where: string): void {
  const seen = new Set<number>()
  for (const slot of listed) {
    assert(live.has(slot), `${where} lists slot ${slot}, which is free`)
    assert(!seen.has(slot), `${where} lists slot ${slot} twice`)
    seen.add(slot)
  }
  assert.equal(seen.size, live.size, `slots listed by ${where}`)
}

function checkKeys(store: EntryStore, live: ReadonlySet<number>): void {
  const { slots, groups } = store
  for (const slot of live) {
    const spaceId = groups.spaceId(slots.group(slot))
    assert.equal(store.hash(spaceId, slots.key(slot)), slots.hash(slot), `hash of slot ${slot}`)
    assert.equal(store.find(spaceId, slots.key(slot)), slot, `the slot found for the key of slot ${slot}`)
  }
}

function checkGroups({ slots, groups }: EntryStore, live: ReadonlySet<number>): void {
  const members = new Map<number, number>()
  for (const slot of live) members.set(slots.group(slot), (members.get(slots.group(slot)) ?? 0) + 1)
  for (const [group, count] of members) assert.equal(groups.members(group), count, `members of group ${group}`)
  assert.equal(groups.count, members.size, 'the count of groups in use')
}

function checkSizes({ slots, bytes }: EntryStore, live: ReadonlySet<number>): void {
  let sum = 0
  for (const slot of live) sum += slots.bytes(slot)
  assert.equal(bytes, sum, 'the sum of sizes')
}

function checkTenants({ slots, groups, quotas }: EntryStore, live: ReadonlySet<number>): void {
  if (quotas === undefined) return
  const listed: number[] = []
  for (const account of quotas.accounts()) {
    assert.equal(account.slots.length, account.entries, `entries of tenant '${account.tenant}'`)
    let weight = 0
    for (const slot of account.slots) {
      assert.equal(groups.space(slots.group(slot)).namespace.tenant, account.tenant, `the tenant of slot ${slot}`)
      weight += slots.weight(slot)
    }
    assert.equal(account.weight, weight, `the weight of tenant '${account.tenant}'`)
    listed.push(...account.slots)
  }
  checkSame(listed, live, 'the tenants')
}
