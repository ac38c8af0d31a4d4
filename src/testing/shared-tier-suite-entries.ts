import assert from 'node:assert/strict'
import type { AddRule } from './shared-tier-suite.js'
import {
  acquireOf,
  eventually,
  fill,
  HOUR_MS,
  isLeased,
  KEY,
  lease,
  NAMESPACE,
  nextToken,
  payloadOf,
  rowsSince,
  sampleEnvelope,
  sampleKey,
  setOf,
  stored,
  storeOf,
  tailOf,
} from './shared-tier-suite-samples.js'

/** Entries: reading, direct sets, hard and soft deletion, lives, sizes, foreign bytes. */
export function entryRules(add: AddRule): void {
  readAndSetRules(add)
  deletionRules(add)
  softRules(add)
  contentRules(add)
}

const rethrow = (error: unknown): never => {
  throw error
}

function readAndSetRules(add: AddRule): void {
  add('reads many keys in their order, with undefined for what is absent', async ({ a, b }) => {
    const one = await fill(a, { key: sampleKey('one') })
    const two = await fill(a, { key: sampleKey('two') })
    const keys = ['two', 'none', 'one', 'two'].map((key) => sampleKey(key))
    const { envelopes } = await b.read(NAMESPACE, keys)
    assert.deepEqual(
      envelopes.map((envelope) => envelope?.slice(4, 20)),
      [two, undefined, one, two],
    )
  })

  add('reads one key as it reads many', async ({ a, b }) => {
    const id = await fill(a)
    const { serverNowMs: before } = await b.read(NAMESPACE, [KEY])
    const seen = await b.readOne(
      KEY,
      (envelope, serverNowMs) => [envelope?.slice(4, 20), serverNowMs >= before],
      rethrow,
    )
    assert.deepEqual(seen, [id, true])
    assert.equal(await b.readOne(sampleKey('none'), (envelope) => envelope, rethrow), undefined)
  })

  add('keeps an entry no longer than it was told', async (scene) => {
    await fill(scene.a, { keepMs: 30 })
    assert.ok((await scene.remainingMs('data', KEY)) <= 30)
    await eventually(scene, 'the end of the entry', async () => (await stored(scene.b)) === undefined)
  })

  add('tells the time of the server, which does not stand still', async (scene) => {
    const first = await scene.a.read(NAMESPACE, [KEY])
    await eventually(
      scene,
      'a later time',
      async () => (await scene.b.follow(NAMESPACE, [KEY])).serverNowMs > first.serverNowMs,
    )
  })

  add('sets entries whatever is stored, stamps them, and then appends the payload', async ({ a, b }) => {
    await fill(a)
    const { row } = await tailOf(a)
    const ids = [nextToken(), nextToken()]
    const requests = [await setOf(a, { fillId: ids[0]! }), await setOf(a, { fillId: ids[1]!, key: sampleKey('other') })]
    const payload = payloadOf()
    const { outcomes, position } = await a.set(NAMESPACE, requests, payload)
    assert.deepEqual(outcomes, ['stored', 'stored'])
    assert.equal((await stored(b))?.fillId, ids[0])
    assert.ok((await stored(b))!.storedAtMs > 0)
    assert.equal((await stored(b, sampleKey('other')))?.fillId, ids[1])
    const { generation, rows } = await rowsSince(b, row!.id, 10)
    assert.deepEqual(rows.slice(1), [{ id: position.id, payload }])
    assert.equal(position.generation, generation)
  })

  add('ends the lease of whoever fills what is set', async ({ a, b }) => {
    const token = await lease(a)
    const request = await setOf(b)
    assert.equal(await a.renew(NAMESPACE, KEY, token!, 10_000), false)
    await b.set(NAMESPACE, [request], payloadOf())
    assert.equal(await isLeased(a), false)
    assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
    assert.equal((await stored(a))?.fillId, request.token)
  })

  for (const soft of [false, true]) {
    add(
      `does not set what was ${soft ? 'softly ' : ''}invalidated on its way, however late it comes`,
      async ({ a, b }) => {
        const late = await setOf(a)
        const kept = await setOf(a, { key: sampleKey('other') })
        await b.delete(NAMESPACE, [KEY], payloadOf(), soft)
        assert.deepEqual((await a.set(NAMESPACE, [late, kept], payloadOf())).outcomes, ['fenced', 'stored'])
        assert.equal(await stored(b), undefined)
      },
    )
  }

  add('of two sets lets the one win that took the lease last', async ({ a, b }) => {
    const first = await setOf(a)
    const second = await setOf(b)
    assert.deepEqual((await a.set(NAMESPACE, [first], payloadOf())).outcomes, ['fenced'])
    assert.deepEqual((await b.set(NAMESPACE, [second], payloadOf())).outcomes, ['stored'])
    assert.equal((await stored(a))?.fillId, second.token)
  })

  add('does not set what is older than a marker asks for', async (scene) => {
    const { a } = scene
    const kept = await fill(a)
    await scene.put('marker', KEY, '42')
    const requests = [await setOf(a, { version: '7' }), await setOf(a, { key: sampleKey('other') })]
    assert.deepEqual((await a.set(NAMESPACE, requests, payloadOf())).outcomes, ['superseded', 'stored'])
    assert.equal((await stored(a))?.fillId, kept)
  })

  add('keeps caches of different names apart', async (scene) => {
    const other = scene.open({ cacheName: 'other' })
    await fill(scene.a)
    assert.equal(await stored(other), undefined)
    await other.delete(NAMESPACE, [KEY], payloadOf(), false)
    assert.notEqual(await stored(scene.a), undefined)
    assert.notEqual((await other.control(NAMESPACE, [])).epoch, (await scene.a.control(NAMESPACE, [])).epoch)
  })
}

function deletionRules(add: AddRule): void {
  add('deletes data and lease and says for each key whether there was data', async ({ a, b }) => {
    await fill(a, { key: sampleKey('stored') })
    await lease(a, { key: sampleKey('held') })
    const keys = ['held', 'stored', 'free'].map((key) => sampleKey(key))
    const { existed } = await b.delete(NAMESPACE, keys, payloadOf(keys), false)
    assert.deepEqual(existed, [false, true, false])
    for (const state of (await a.follow(NAMESPACE, keys)).states) {
      assert.deepEqual(state, { envelope: undefined, leased: false, failure: undefined })
    }
  })

  add('leaves a marker where one is asked for; the higher version stays', async ({ a, b }) => {
    const keys = [KEY, sampleKey('other')]
    const marked = (version: string, keepMs: number) => ({ version, keepMs })
    await a.delete(NAMESPACE, keys, payloadOf(keys), false, marked('9', 60_000))
    await a.delete(NAMESPACE, [KEY], payloadOf(), false, marked('42', 30_000))
    await b.delete(NAMESPACE, [KEY], payloadOf(), true, marked('7', 60_000))
    await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    const { acquired } = await b.acquire(
      NAMESPACE,
      keys.map((key) => acquireOf(nextToken(), { key })),
    )
    assert.deepEqual(acquired, [
      { state: 'leader', marker: '42' },
      { state: 'leader', marker: '9' },
    ])
  })

  add('forgets a marker after its time', async (scene) => {
    await scene.a.delete(NAMESPACE, [KEY], payloadOf(), false, { version: '9', keepMs: 20 })
    await eventually(scene, 'the end of the marker', async () => {
      const token = nextToken()
      const { acquired } = await scene.a.acquire(NAMESPACE, [acquireOf(token)])
      await scene.a.release(NAMESPACE, KEY, token)
      return acquired[0]?.state === 'leader' && acquired[0].marker === undefined
    })
  })

  add('fences a fill by the marker of an invalidation that came before its lease', async ({ a, b }) => {
    await b.delete(NAMESPACE, [KEY], payloadOf(), false, { version: '42', keepMs: 60_000 })
    const older = await lease(a)
    assert.equal(await a.commit(NAMESPACE, older!, storeOf(older!, { version: '41' })), 'superseded')
    const current = await lease(a)
    assert.equal(await a.commit(NAMESPACE, current!, storeOf(current!, { version: '42' })), 'stored')
  })

  add('appends the payload of a deletion and tells where it stands', async ({ a, b }) => {
    const payload = payloadOf()
    const { position } = await a.delete(NAMESPACE, [KEY], payload, false)
    const { generation, rows } = await b.logSince(position.shard, position.id, 10)
    assert.deepEqual(rows, [{ id: position.id, payload }])
    assert.equal(generation, position.generation)
    assert.equal(position.shard, b.shardOf(NAMESPACE))
  })

  add('deletes again as if it were the first time', async ({ a }) => {
    await fill(a)
    const first = await a.delete(NAMESPACE, [KEY], payloadOf(), false)
    const second = await a.delete(NAMESPACE, [KEY], payloadOf(), false)
    assert.deepEqual([first.existed, second.existed], [[true], [false]])
    assert.notEqual(first.position.id, second.position.id)
  })
}

function softRules(add: AddRule): void {
  add('marks an entry stale and keeps it for its stale window', async (scene) => {
    const { a, b } = scene
    const token = await fill(a, { keepMs: HOUR_MS, staleMs: 30_000, body: '"old"', tags: ['x'] })
    const before = await stored(a)
    assert.deepEqual((await b.delete(NAMESPACE, [KEY], payloadOf(), true)).existed, [true])
    assert.equal((await stored(a))?.fillId, token)
    const softened = (await stored(a))!
    assert.deepEqual(softened, { ...before, soft: true, freshMs: softened.freshMs })
    // Fresh up to its age: stale since the invalidation, whenever that is noticed.
    const ageMs = (await a.read(NAMESPACE, [])).serverNowMs - softened.storedAtMs
    assert.ok(softened.freshMs <= ageMs, `fresh for ${softened.freshMs} ms at an age of ${ageMs} ms`)
    const remainingMs = await scene.remainingMs('data', KEY)
    assert.ok(remainingMs > 1_000 && remainingMs <= 30_000, `remaining ${remainingMs}`)
  })

  add('never keeps a softly invalidated entry longer than it had', async (scene) => {
    await fill(scene.a, { keepMs: 5_000, staleMs: HOUR_MS })
    await scene.b.delete(NAMESPACE, [KEY], payloadOf(), true)
    assert.ok((await scene.remainingMs('data', KEY)) <= 5_000)
    assert.equal((await stored(scene.a))?.soft, true)
  })

  add('deletes a softly invalidated entry that has no stale window', async ({ a, b }) => {
    await fill(a, { keepMs: HOUR_MS, staleMs: 0 })
    assert.deepEqual((await b.delete(NAMESPACE, [KEY], payloadOf(), true)).existed, [true])
    assert.equal(await stored(a), undefined)
  })

  add('ends the lease with a soft invalidation, and says for each key whether there was data', async ({ a, b }) => {
    await fill(a, { key: sampleKey('stored'), staleMs: 1_000 })
    await lease(a, { key: sampleKey('held') })
    const keys = ['held', 'stored', 'free'].map((key) => sampleKey(key))
    assert.deepEqual((await b.delete(NAMESPACE, keys, payloadOf(keys), true)).existed, [false, true, false])
    assert.deepEqual(
      (await a.follow(NAMESPACE, keys)).states.map(({ leased }) => leased),
      [false, false, false],
    )
  })

  add('lets a new fill replace what was softly invalidated', async ({ a, b }) => {
    const deadId = await fill(a, { staleMs: 10_000 })
    await b.delete(NAMESPACE, [KEY], payloadOf(), true)
    const token = await lease(b, { deadId })
    await b.commit(NAMESPACE, token!, storeOf(token!))
    assert.equal((await stored(a))?.soft, false)
  })
}

function contentRules(add: AddRule): void {
  add('brings back a value of 1 MB with characters of every width, stamped and marked', async ({ a, b }) => {
    const body = JSON.stringify('aé水🧊'.repeat(110_000))
    assert.ok(Buffer.byteLength(body) > 1_048_576)
    const tags = ['tag-é', '水']
    await fill(a, { body, tags, keepMs: HOUR_MS, staleMs: 60_000 })
    await b.delete(NAMESPACE, [KEY], payloadOf(), true)
    const entry = await stored(b)
    assert.equal(entry?.body === body, true)
    assert.deepEqual([entry?.tags, entry?.soft], [tags, true])
  })

  const foreign = { 'short text': 'hello', 'an empty text': '', 'long text': 'x'.repeat(500), digits: '1234567890' }
  for (const [what, text] of Object.entries(foreign)) {
    add(`treats ${what} of somebody else under a data key as absent, and stores over it`, async (scene) => {
      const { a, b } = scene
      await scene.put('data', KEY, text)
      assert.equal(await stored(a), undefined)
      const token = await lease(a)
      assert.ok(token, 'the lease was not given')
      assert.equal(await b.acquire(NAMESPACE, []).then(() => isLeased(b)), true)
      assert.equal(await a.commit(NAMESPACE, token, storeOf(token)), 'stored')
      assert.equal((await stored(b))?.fillId, token)
    })
  }

  add('treats an entry of a later format as absent, and removes it when it is invalidated', async (scene) => {
    await scene.put('data', KEY, `2${sampleEnvelope().slice(1)}`)
    assert.ok(await lease(scene.a))
    await scene.a.delete(NAMESPACE, [KEY], payloadOf(), true)
    assert.deepEqual((await scene.b.read(NAMESPACE, [KEY])).envelopes, [undefined])
  })
}
