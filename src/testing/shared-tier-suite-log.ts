import assert from 'node:assert/strict'
import type { LogRow, SharedTier } from '../core/ports/shared-tier.js'
import type { AddRule, SharedTierScene } from './shared-tier-suite.js'
import { eventually, fill, KEY, NAMESPACE, payloadOf, rowsSince, stored, tailOf } from './shared-tier-suite-samples.js'

/** The invalidation log: order, anchors, loss, trimming, publication. */
export function logRules(add: AddRule): void {
  orderRules(add)
  lossRules(add)
  publicationRules(add)
}

/** Appends rows and answers them as the log has them. */
async function append(tier: SharedTier, count: number): Promise<LogRow[]> {
  const rows: LogRow[] = []
  for (let index = 0; index < count; index++) {
    const payload = payloadOf()
    const { position } = await tier.delete(NAMESPACE, [KEY], payload, false)
    rows.push({ id: position.id, payload })
  }
  return rows
}

function orderRules(add: AddRule): void {
  add('has a row to ask for from the beginning', async ({ a, b }) => {
    const tail = await tailOf(a)
    assert.ok(tail.row)
    assert.deepEqual(await tailOf(b), tail)
    const { generation, rows } = await rowsSince(b, tail.row.id, 10)
    assert.deepEqual({ generation, rows }, { generation: tail.generation, rows: [tail.row] })
  })

  add('answers rows in their order, from the one asked for inclusive', async ({ a, b }) => {
    const rows = await append(a, 5)
    assert.deepEqual((await rowsSince(b, rows[1]!.id, 100)).rows, rows.slice(1))
    assert.deepEqual((await rowsSince(b, rows[4]!.id, 100)).rows, rows.slice(4))
    assert.deepEqual((await tailOf(b)).row, rows[4])
  })

  add('answers at most as many rows as asked for, the oldest first', async ({ a, b }) => {
    const rows = await append(a, 5)
    assert.deepEqual((await rowsSince(b, rows[0]!.id, 2)).rows, rows.slice(0, 2))
  })

  add('tells the time by which the ids of rows count, as it was when they were read', async (scene) => {
    const [row] = await append(scene.a, 1)
    const msOf = ({ id }: LogRow): number => Number.parseInt(id, 10)
    const { serverNowMs } = await rowsSince(scene.b, row!.id, 10)
    assert.ok(serverNowMs >= msOf(row!), `${serverNowMs} < ${row!.id}`)
    await scene.pass(5)
    const later = await rowsSince(scene.b, row!.id, 10)
    assert.ok(later.serverNowMs >= serverNowMs + 4, `${later.serverNowMs}, and ${serverNowMs} before`)
    const [next] = await append(scene.a, 1)
    assert.ok(msOf(next!) >= later.serverNowMs, `${next!.id} < ${later.serverNowMs}`)
  })

  add('R8: shows no row of a deletion before its entry is gone', async ({ a, b }) => {
    for (let round = 0; round < 30; round++) {
      await fill(a)
      const { row } = await tailOf(b)
      let isOver = false
      const deletion = a.delete(NAMESPACE, [KEY], payloadOf(), round % 2 === 1).finally(() => {
        isOver = true
      })
      while (!isOver) {
        const { rows } = await rowsSince(b, row!.id, 10)
        if (rows.length > 1) assert.equal(await stored(b), undefined)
      }
      await deletion
    }
  })
}

function lossRules(add: AddRule): void {
  add('keeps its generation while rows are appended', async ({ a, b }) => {
    const { generation } = await tailOf(a)
    const { position } = await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    const slice = await rowsSince(a, position.id, 10)
    assert.deepEqual([position.generation, slice.generation], [generation, generation])
  })

  const losses: Record<string, (scene: SharedTierScene) => Promise<void>> = {
    'a flush': (scene) => scene.flushAll(),
    'the loss of the log': (scene) => scene.evict('log', ''),
  }
  for (const [what, lose] of Object.entries(losses)) {
    add(`R9: changes its generation after ${what}, seen at the next look and for ever`, async (scene) => {
      const { a, b } = scene
      const [anchor] = await append(a, 1)
      const { generation } = await tailOf(a)
      await lose(scene)
      const slice = await rowsSince(b, anchor!.id, 10)
      assert.notEqual(slice.generation, generation)
      const [after] = await append(b, 1)
      const grown = await rowsSince(a, after!.id, 10)
      assert.notEqual(grown.generation, generation)
      assert.deepEqual(grown.rows, [after])
      assert.equal((await tailOf(b)).generation, grown.generation)
    })
  }

  add('R9: shows by the first row that an anchor was trimmed', async (scene) => {
    const rows = await append(scene.a, 6)
    await scene.trimLog(2)
    const slice = await rowsSince(scene.b, rows[0]!.id, 10)
    assert.deepEqual(slice.rows, rows.slice(4))
    assert.equal(slice.generation, (await tailOf(scene.a)).generation)
  })

  add('keeps about as many rows as it was told', async (scene) => {
    const tier = scene.open({ logMaxEntries: 20 })
    const rows = await append(tier, 400)
    const { rows: kept } = await rowsSince(tier, '0-0', 1_000)
    assert.ok(kept.length >= 20 && kept.length <= 250, `kept ${kept.length}`)
    assert.deepEqual(kept.at(-1), rows.at(-1))
  })
}

function publicationRules(add: AddRule): void {
  add('tells subscribers the rows that the log has, after they are there', async (scene) => {
    const { a, b } = scene
    if (b.subscribe === undefined) return
    const heard: { shard: number; row: LogRow; wasGone: Promise<unknown> }[] = []
    const end = await b.subscribe((shard, row) => heard.push({ shard, row, wasGone: stored(b) }))
    await fill(a)
    const { row: before } = await tailOf(a)
    await a.delete(NAMESPACE, [KEY], payloadOf([KEY], 'with "quotes", ünïcode 🧊 and\na line'), false)
    const request = { namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, origin: 'o', horizonMs: 1 }
    await a.bump(request)
    const { rows } = await rowsSince(a, before!.id, 10)
    const told = rows.slice(1)
    // A server may still be telling what happened before this test: only its own rows count.
    const own = () => heard.filter(({ row }) => told.some(({ id }) => id === row.id))
    await eventually(scene, 'both rows', async () => own().length >= 2)
    assert.deepEqual(
      own().map(({ shard, row }) => ({ shard, row })),
      told.map((row) => ({ shard: a.shardOf(NAMESPACE), row })),
    )
    assert.equal(await own()[0]!.wasGone, undefined)
    await end()
    const count = heard.length
    await a.delete(NAMESPACE, [KEY], payloadOf(), false)
    await scene.pass(20)
    assert.equal(heard.length, count)
  })
}
