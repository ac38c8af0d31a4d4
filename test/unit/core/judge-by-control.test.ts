import { expect, it } from 'vitest'
import { judgeByControl } from '../../../src/core/namespace.ts'

const control = { epoch: 'e', clock: 9, floor: 0, pruned: 6, tags: [{}] }

it('R11: a tag without a clock may have been pruned with any clock up to the highest that was', () => {
  const bornAt = (born: number) => judgeByControl({ epoch: 'e', born, tags: ['x'] }, control, ['x'])
  expect([5, 6, 7].map(bornAt)).toEqual(['dead', 'dead', 'current'])
})

it('a tag whose clock was not asked for leaves the question open', () => {
  expect(judgeByControl({ epoch: 'e', born: 5, tags: ['y'] }, control, ['x'])).toBe('unknown')
})
