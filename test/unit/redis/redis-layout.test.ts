import { expect, test } from 'vitest'
import { spacePrefix, storedKey } from '../../../src/core/stored-key.js'
import { RedisLayout } from '../../../src/redis-protocol/redis-layout.js'

const layout = new RedisLayout('shop:', 'main')

/** What Redis Cluster computes the slot of: between the first brace and the next closing one, if that is not empty. */
function slotText(name: string): string {
  const from = name.indexOf('{')
  const to = name.indexOf('}', from + 1)
  return from >= 0 && to > from + 1 ? name.slice(from + 1, to) : name
}

test('names keys as protocol and documentation say', () => {
  expect(layout.data('5:org-7|units@1|all')).toBe('shop:main:c1:d:{5:org-7|units@1|all}')
  expect(layout.lease('5:org-7|units@1|all')).toBe('shop:main:c1:l:{5:org-7|units@1|all}')
  expect(layout.marker('5:org-7|units@1|all')).toBe('shop:main:c1:m:{5:org-7|units@1|all}')
  expect(layout.control(3, '5:org-7')).toBe('shop:main:c1:n:{b3}:5:org-7')
  expect(layout.log(3)).toBe('shop:main:c1:b:{b3}')
  expect(layout.generation(3)).toBe('shop:main:c1:g:{b3}')
})

test.each(['all', '', '{', '}', '{}', '}{', 'a{b}c', '🧊'])('puts the keys of entry %j into one slot', (key) => {
  for (const tenant of ['', '}', '{x}', 'org-7']) {
    const name = storedKey(spacePrefix(`${tenant.length}:${tenant}`, 'units', 1), key)
    const slots = [layout.data(name), layout.lease(name), layout.marker(name)].map(slotText)
    expect(new Set(slots).size).toBe(1)
    expect(slots[0]).toMatch(/^\d/)
  }
})

test('puts control block, log and generation of a shard into one slot', () => {
  const names = [layout.control(2, '5:o{g}7'), layout.log(2), layout.generation(2)]
  expect(new Set(names.map(slotText))).toEqual(new Set(['b2']))
})
