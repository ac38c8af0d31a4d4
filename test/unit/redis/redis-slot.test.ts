import { expect, test } from 'vitest'
import { crc16, slotOf } from '../../../src/redis-protocol/redis-slot.js'

test('computes what the specification of Redis Cluster gives as its example', () => {
  expect(crc16('123456789')).toBe(0x31c3)
})

test.each([
  ['', 0],
  ['foo', 12_182],
  ['{user1000}.following', 3_443],
  ['x{user1000}.followers', 3_443],
  ['foo{}{bar}', 8_363],
  ['foo{{bar}}zap', 4_015],
  ['foo{bar}{zap}', 5_061],
  ['café', 5_735],
  ['{ключ}:1', 10_303],
  ['x😀', 5_156],
])('%j lies in slot %i', (key, slot) => {
  expect(slotOf(key)).toBe(slot)
})
