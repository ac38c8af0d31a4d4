import { describe, expect, it } from 'vitest'
import { Groups } from '../../../src/memory/groups.js'
import { KeyTable } from '../../../src/memory/key-table.js'
import { LAYOUT, Slots } from '../../../src/memory/slots.js'
import { newEntry, newSpace, SeededRandom } from './memory-fixture.js'

const HOMES = 512
const SLOTS = 256

/** A table whose keys have their homes in a part of it: in a sixteenth, most cells are far behind theirs. */
function crowdedTable(seed: number, part: number) {
  const slots = new Slots({ isSized: false, isByTenant: false, evictionWords: 0, expected: SLOTS })
  const groups = new Groups()
  const table = new KeyTable(HOMES, slots, groups)
  const space = newSpace()
  const random = new SeededRandom(seed)
  const newHash = () => (Math.floor(random.next() * 2 ** 31 * part) << 1) | (random.next() < 0.5 ? 0 : 1)
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

const CROWDS = [1, 1 / 4, 1 / 8, 1 / 16].flatMap((part) => [1, 2, 3].map((seed) => ({ part, seed })))

describe.each(CROWDS)('a table whose keys have their homes in $part of it, seed $seed', ({ part, seed }) => {
  it('finds each while keys come, go and take the slots of others', () => {
    const { slots, table, space, random, newHash, insert, expectFound } = crowdedTable(seed, part)
    const held = new Map<number, number>()
    for (let key = 1; key <= 200; key++) held.set(key, insert(key))
    expectFound(held)
    for (let key = 201; key < 1_200; key++) {
      const before = [...held.keys()][Math.floor(random.next() * held.size)]!
      const slot = held.get(before)!
      const hash = newHash()
      const left = slots.hash(slot)
      held.delete(before)
      // As after a read in vain, which remembers the place; or not.
      if (random.next() < 0.7) expect(table.findInteger(space.id, key, hash)).toBe(0)
      if (random.next() < 0.2) expect(table.findInteger(space.id, -1, newHash())).toBe(0)
      const another = random.next() < 0.2 ? [...held.values()][Math.floor(random.next() * held.size)] : undefined
      if (another !== undefined) table.remove(another, slots.hash(another))
      table.exchange(slot, left, hash)
      slots.records[slot * slots.stride + LAYOUT.HASH] = hash
      slots.pairs[0]![slot * 2] = key
      if (another !== undefined) table.insert(another, slots.hash(another))
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
