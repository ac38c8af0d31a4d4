import { expect, it } from 'vitest'
import type { RedisGuard } from '../../../src/redis-protocol/redis-guard.js'
import { RedisLayout } from '../../../src/redis-protocol/redis-layout.js'
import { reclaimStep } from '../../../src/redis-protocol/redis-reclaim.js'

const layout = new RedisLayout('', 'app')

/** Servers whose keyspaces take two steps each; which were scanned. */
function servers(names: string[]) {
  const scanned: string[] = []
  const guard = {
    isCluster: true,
    everyName: async () => names,
    sendTo: async (node: string, [, at]: string[]) => {
      scanned.push(`${node} ${at}`)
      return [at === '0' ? '7' : '0', []]
    },
  } as unknown as RedisGuard
  const step = (cursor: string) => reclaimStep(guard, layout, '5:org-1', { cursor, dryRun: false })
  return { names, scanned, step }
}

it('walks over one server after the other', async () => {
  const { scanned, step } = servers(['b:1', 'a:1'])
  let cursor: string | undefined = '0'
  while (cursor !== undefined) cursor = (await step(cursor)).next
  expect(scanned).toEqual(['a:1 0', 'a:1 7', 'b:1 0', 'b:1 7'])
})

it.each<[string, string[]]>([
  ['a replica takes over, whose name comes first', ['0:1', 'b:1']],
  ['a server comes', ['0:1', 'a:1', 'b:1']],
  ['all go but one', ['b:1']],
])('begins anew where %s, and ends', async (_what, after) => {
  const { names, scanned, step } = servers(['a:1', 'b:1'])
  let cursor: string | undefined = '0'
  for (let steps = 0; steps < 3; steps++) cursor = (await step(cursor!)).next
  names.splice(0, names.length, ...after)
  scanned.length = 0
  while (cursor !== undefined) cursor = (await step(cursor)).next
  expect(scanned).toEqual(after.flatMap((name) => [`${name} 0`, `${name} 7`]))
})
