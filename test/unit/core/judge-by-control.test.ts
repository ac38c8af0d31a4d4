import { expect, it } from 'vitest'
import type { Envelope } from '../../../src/core/envelope.ts'
import { judge } from '../../../src/core/judge-envelope.ts'
import { judgeByControl, Namespace } from '../../../src/core/namespace.ts'

const control = { epoch: 'e', clock: 9, floor: 0, pruned: 6, tags: [{}] }

it('R11: a tag without a clock may have been pruned with any clock up to the highest that was', () => {
  const bornAt = (born: number) => judgeByControl({ epoch: 'e', born, tags: ['x'] }, control, ['x'])
  expect([5, 6, 7].map(bornAt)).toEqual(['dead', 'dead', 'current'])
})

it('a tag whose clock was not asked for leaves the question open', () => {
  expect(judgeByControl({ epoch: 'e', born: 5, tags: ['y'] }, control, ['x'])).toBe('unknown')
})

it('R11: a control block from before the one that a process began with says nothing of tags', () => {
  const namespace = new Namespace('', '0:', () => 0)
  const block = { epoch: 'e', floor: 0, pruned: 0 }
  namespace.adopt({ ...block, clock: 20, tags: [] }, [], 0)
  // Asked for earlier, it comes later: what was invalidated at 16 it does not know.
  namespace.adopt({ ...block, clock: 10, tags: [{ hard: 5, soft: undefined }] }, ['t'], namespace.sequence)
  expect(namespace.judge('e', 15, ['t'])).toBe('unknown')
})

it('R11: an entry whose tag nobody knows is not judged by a control block that is older than what is known', () => {
  const namespace = new Namespace('', '0:', () => 0)
  const block = { epoch: 'e', floor: 0, pruned: 0, tags: [] }
  namespace.adopt({ ...block, clock: 20 }, [], 0)
  const entry = { epoch: 'e', born: 15, tags: ['t'] } as unknown as Envelope
  expect(judge(namespace, entry, { ...block, clock: 15 })).toBeUndefined()
  expect(judge(namespace, { ...entry, born: 20 }, { ...block, clock: 20 })).toMatchObject({ standing: 'current' })
})

it('R11: one from before a tag was forgotten for want of room does not bring it back', () => {
  const namespace = new Namespace('', '0:', () => 0)
  const block = { epoch: 'e', floor: 0, pruned: 0 }
  namespace.adopt({ ...block, clock: 1, tags: [] }, [], 0)
  for (let tag = 0; tag <= 10_000; tag++) {
    namespace.applyBump({ epoch: 'e', clock: 20 + tag, tags: [`t${tag}`], clear: false, soft: false }, true)
  }
  namespace.adopt({ ...block, clock: 10, tags: [{ hard: 5, soft: undefined }] }, ['t0'], namespace.sequence)
  expect(namespace.judge('e', 15, ['t0'])).not.toBe('current')
})
