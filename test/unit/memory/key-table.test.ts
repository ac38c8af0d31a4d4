import { describe, expect, it } from 'vitest'
import { Groups } from '../../../src/memory/groups.js'
import { KeyTable } from '../../../src/memory/key-table.js'
import { LAYOUT, Slots } from '../../../src/memory/slots.js'
import { newEntry, newSpace, SeededRandom } from './memory-fixture.js'

const HOMES = 512
const SLOTS = 256

/** Keys whose homes lie so close together that most cells are far behind theirs. */
function crowdedTable(seed: number) {
  const slots = new Slots({ isSized: false, isByTenant: false, evictionWords: 0, expected: SLOTS })
  const groups = new Groups()
  const table = new KeyTable(HOMES, slots, groups)
  const space = newSpace()
  const random = new SeededRandom(seed)
  const newHash = () => (Math.floor(random.next() * 2 ** 27) << 1) | (random.next() < 0.5 ? 0 : 1)
  const insert = (key: number): number => {
    const hash = newHash()
    const slot = slots.take(key, key, hash)
    slots.records[slot * slots.stride + LAYOUT.GROUP] = groups.join(space, newEntry(key))
    table.insert(slot, hash)
    return slot
  }
  const expectFound = (held: ReadonlyMap<number, number>) => {
    for (const [key, slot] of held) expect(table.findInteger(space.id, key, slots.hash(slot))).toBe(slot)
    expect([...table.listed(0)].sort()).toEqual([...held.values()].sort())
  }
  return { slots, table, space, random, newHash, insert, expectFound }
}

describe.each([1, 2, 3])('a table whose keys crowd together, seed %i', (seed) => {
  it('finds each while keys come, go and take the slots of others', () => {
    const { slots, table, space, random, newHash, insert, expectFound } = crowdedTable(seed)
    const held = new Map<number, number>()
    for (let key = 1; key <= 200; key++) held.set(key, insert(key))
    expectFound(held)
    for (let key = 201; key < 1_200; key++) {
      const before = [...held.keys()][Math.floor(random.next() * held.size)]!
      const slot = held.get(before)!
      const hash = newHash()
      const left = slots.hash(slot)
      held.delete(before)
      table.exchange(slot, left, hash)
      slots.records[slot * slots.stride + LAYOUT.HASH] = hash
      slots.pairs[0]![slot * 2] = key
      held.set(key, slot)
      expect(table.findInteger(space.id, before, left)).toBe(0)
      if (key % 40 === 0) expectFound(held)
    }
    for (const [key, slot] of [...held]) {
      table.remove(slot, slots.hash(slot))
      held.delete(key)
      if (key % 8 === 0) expectFound(held)
    }
    expect([...table.listed(0)]).toEqual([])
  })
})
