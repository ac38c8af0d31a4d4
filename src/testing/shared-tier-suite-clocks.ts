import assert from 'node:assert/strict'
import { decodeLogPayload } from '../core/log-entry.js'
import type { BumpReply, BumpRequest, SharedTier } from '../core/ports/shared-tier.js'
import { firstSoftAfter, lastSoft } from '../core/soft-clocks.js'
import { namespaceId } from '../core/stored-key.js'
import type { AddRule } from './shared-tier-suite.js'
import {
  acquireOf,
  eventually,
  fill,
  HOUR_MS,
  KEY,
  NAMESPACE,
  nextToken,
  rowsSince,
} from './shared-tier-suite-samples.js'

/** Control blocks: epochs, the clock, tags, clear, pruning, loss. */
export function clockRules(add: AddRule): void {
  bumpRules(add)
  pruningRules(add)
  lossRules(add)
}

function bump(tier: SharedTier, parts: Partial<BumpRequest>): Promise<BumpReply> {
  return tier.bump({
    namespace: NAMESPACE,
    tags: [],
    clear: false,
    soft: false,
    origin: nextToken(),
    horizonMs: HOUR_MS,
    ...parts,
  })
}

function bumpRules(add: AddRule): void {
  add('opens a control block once, with nothing invalidated', async ({ a, b }) => {
    const control = await a.control(NAMESPACE, ['x', 'y'])
    assert.deepEqual([control.floor, control.pruned], [0, 0])
    assert.ok(control.epoch.length > 0 && Number.isSafeInteger(control.clock) && control.clock > 0)
    assert.deepEqual(control.tags, [
      { hard: undefined, soft: undefined },
      { hard: undefined, soft: undefined },
    ])
    assert.deepEqual(await b.control(NAMESPACE, ['x', 'y']), control)
  })

  add('brings the control block, with the clocks of tags, together with entries', async ({ a, b }) => {
    const token = await fill(a)
    const { clock } = await a.bump({
      namespace: NAMESPACE,
      tags: ['x'],
      clear: false,
      soft: false,
      origin: 'o',
      horizonMs: 1,
    })
    const { envelopes, control } = await b.read(NAMESPACE, [KEY], { tags: ['y', 'x'] })
    assert.equal(envelopes[0]?.slice(4, 20), token)
    assert.deepEqual(control, await a.control(NAMESPACE, ['y', 'x']))
    assert.equal(control?.tags[1]?.hard, clock)
    assert.deepEqual((await b.read(NAMESPACE, [], { tags: [] })).control, await a.control(NAMESPACE, []))
    assert.equal((await b.read(NAMESPACE, [KEY])).control, undefined)
  })

  add('moves the clock forward with every invalidation, whoever sends it', async ({ a, b }) => {
    let last = (await a.control(NAMESPACE, [])).clock
    for (let round = 0; round < 20; round++) {
      const { clock } = await bump(round % 2 ? a : b, round % 3 ? { tags: [`t${round}`] } : { clear: true })
      assert.ok(clock > last, `${clock} <= ${last}`)
      assert.equal((await a.control(NAMESPACE, [])).clock, clock)
      last = clock
    }
  })

  add('keeps hard and soft clocks of each tag, and touches no other', async ({ a, b }) => {
    const hard = await bump(a, { tags: ['x', 'y'] })
    const soft = await bump(b, { tags: ['y', 'z'], soft: true })
    const again = await bump(b, { tags: ['x'] })
    const control = await a.control(NAMESPACE, ['x', 'y', 'z', 'none'])
    assert.deepEqual(control.tags, [
      { hard: again.clock, soft: undefined },
      { hard: hard.clock, soft: [soft.clock, soft.clock] },
      { hard: undefined, soft: [soft.clock, soft.clock] },
      { hard: undefined, soft: undefined },
    ])
    assert.equal(control.floor, 0)
    assert.equal(control.epoch, hard.epoch)
  })

  add('knows each soft invalidation of a tag, so that the first after any moment can be told', async (scene) => {
    const { a, b } = scene
    const softly = async (tier: SharedTier) => (await bump(tier, { tags: ['x'], soft: true })).clock
    const clocks = [await softly(a), await softly(b), await softly(a)]
    const { soft } = (await b.control(NAMESPACE, ['x'])).tags[0]!
    const before = [clocks[0]! - 1, ...clocks.slice(0, 2)]
    assert.deepEqual(
      before.map((born) => firstSoftAfter(soft, born)),
      clocks,
    )
    assert.equal(firstSoftAfter(soft, clocks[2]!), Number.POSITIVE_INFINITY)
  })

  add('keeps little of very many soft invalidations, and says none of them later than it was', async (scene) => {
    const { a, b } = scene
    const clocks: number[] = []
    for (let round = 0; round < 40; round++) {
      clocks.push((await bump(round % 2 ? a : b, { tags: ['x'], soft: true })).clock)
      if (round % 7 === 0) await scene.pass(3)
    }
    const { soft } = (await b.control(NAMESPACE, ['x'])).tags[0]!
    assert.ok(soft!.length <= 16, `${soft!.length} numbers`)
    assert.equal(firstSoftAfter(soft, 0), clocks[0])
    assert.equal(lastSoft(soft), clocks.at(-1))
    for (const [index, clock] of clocks.entries()) {
      const said = firstSoftAfter(soft, clock - 1)
      assert.ok(said <= clock && said >= clock - 1, `${said} for the one at ${clock}, number ${index}`)
    }
  })

  add('raises the floor when a namespace is cleared', async ({ a, b }) => {
    const tagged = await bump(a, { tags: ['x'] })
    const cleared = await bump(b, { clear: true })
    const control = await a.control(NAMESPACE, ['x'])
    assert.deepEqual(
      [control.floor, control.clock, control.tags[0]?.hard],
      [cleared.clock, cleared.clock, tagged.clock],
    )
  })

  add('leaves other namespaces alone', async ({ a, b }) => {
    const other = namespaceId('org-8')
    const before = await a.control(other, ['x'])
    await bump(b, { tags: ['x'] })
    await bump(b, { clear: true })
    assert.deepEqual(await a.control(other, ['x']), before)
  })

  add('appends to the log what an invalidation did, with its epoch and clock', async ({ a, b }) => {
    for (const parts of [{ tags: ['x', 'ü"\n'] }, { tags: ['x'], soft: true }, { clear: true }]) {
      const origin = nextToken()
      const { epoch, clock, position } = await bump(a, { ...parts, origin })
      const { generation, rows } = await b.logSince(position.shard, position.id, 10)
      assert.equal(generation, position.generation)
      assert.deepEqual(
        rows.map(({ payload }) => decodeLogPayload(payload)),
        [{ type: 'bump', namespace: NAMESPACE, origin, soft: false, clear: false, tags: [], ...parts, epoch, clock }],
      )
    }
  })
}

function pruningRules(add: AddRule): void {
  add('R11: prunes old tags, and tells the highest clock it dropped', async (scene) => {
    const { a, b } = scene
    const old = await bump(a, { tags: ['old'], horizonMs: 1 })
    await eventually(scene, 'the pruning', async () => {
      await bump(b, { tags: ['new'], horizonMs: 1 })
      return (await a.control(NAMESPACE, ['old'])).tags[0]?.hard === undefined
    })
    const { pruned, clock } = await a.control(NAMESPACE, [])
    assert.ok(pruned >= old.clock, `an entry older than ${old.clock} is alive again: pruned is only ${pruned}`)
    assert.ok(pruned < clock)
  })

  add('prunes nothing that the longest life named by any process may still need', async (scene) => {
    const { a, b } = scene
    const old = await bump(a, { tags: ['old'], horizonMs: 24 * HOUR_MS })
    for (let round = 0; round < 30; round++) {
      await scene.pass(2)
      await bump(b, { tags: ['new'], horizonMs: 1 })
    }
    const control = await b.control(NAMESPACE, ['old'])
    assert.equal(control.tags[0]?.hard, old.clock)
    assert.equal(control.pruned, 0)
  })

  add('keeps a control block at least twice as long as any entry lives', async (scene) => {
    const { a, b } = scene
    await a.acquire(NAMESPACE, [])
    assert.ok((await scene.remainingMs('control', NAMESPACE)) >= 24 * HOUR_MS)
    await bump(a, { tags: ['x'], horizonMs: 300 * HOUR_MS })
    assert.ok((await scene.remainingMs('control', NAMESPACE)) >= 600 * HOUR_MS)
    await fill(b, { keepMs: 5_000 * HOUR_MS })
    await b.acquire(NAMESPACE, [acquireOf(nextToken())])
    assert.ok((await scene.remainingMs('control', NAMESPACE)) >= 10_000 * HOUR_MS)
  })
}

function lossRules(add: AddRule): void {
  add('ends an epoch iff it still is the one named, so that whatever was stored under it is dead', async ({ a, b }) => {
    const { epoch } = await bump(a, { tags: ['x'] })
    assert.equal(await b.endEpoch(NAMESPACE, epoch), true)
    const next = await a.control(NAMESPACE, [])
    assert.notEqual(next.epoch, epoch)
    assert.equal(await b.endEpoch(NAMESPACE, epoch), false)
    assert.equal((await b.control(NAMESPACE, [])).epoch, next.epoch)
  })

  const openers: Record<string, (tier: SharedTier) => Promise<unknown>> = {
    'a control read': (tier) => tier.control(NAMESPACE, ['x']),
    'a strict read': (tier) => tier.read(NAMESPACE, [KEY], { tags: ['x'] }),
    'a fill': (tier) => tier.acquire(NAMESPACE, [acquireOf(nextToken())]),
    'an invalidation': (tier) => bump(tier, { tags: ['y'] }),
  }
  for (const [who, open] of Object.entries(openers)) {
    add(`R11: a lost control block gets a new epoch from ${who}, told in the log as a clear`, async (scene) => {
      const { a, b } = scene
      const lost = await bump(a, { tags: ['x'] })
      await scene.evict('control', NAMESPACE)
      await open(b)
      const control = await a.control(NAMESPACE, ['x'])
      assert.notEqual(control.epoch, lost.epoch)
      assert.equal(control.tags[0]?.hard, undefined)
      const { rows } = await rowsSince(a, lost.position.id, 10)
      const [, announced] = rows.map(({ payload }) => decodeLogPayload(payload))
      assert.ok(announced?.type === 'bump')
      assert.deepEqual([announced.namespace, announced.epoch, announced.clear], [NAMESPACE, control.epoch, true])
      assert.ok(announced.clock <= control.clock)
    })
  }
}
