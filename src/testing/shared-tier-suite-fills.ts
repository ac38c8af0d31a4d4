import assert from 'node:assert/strict'
import type { AddRule } from './shared-tier-suite.js'
import {
  acquireOf,
  eventually,
  fill,
  isLeased,
  KEY,
  lease,
  NAMESPACE,
  nextToken,
  payloadOf,
  sampleKey,
  setOf,
  stored,
  storeOf,
} from './shared-tier-suite-samples.js'

/** Leases and fenced commits: how a fill can never undo an invalidation. */
export function fillRules(add: AddRule): void {
  leaseRules(add)
  failureRules(add)
  raceRules(add)
  commitRules(add)
}

function leaseRules(add: AddRule): void {
  add('gives the lease to one fill and tells others how long it lasts', async ({ a, b }) => {
    const first = await a.acquire(NAMESPACE, [acquireOf(nextToken(), { leaseMs: 5_000 })])
    assert.deepEqual(first.acquired, [{ state: 'leader', marker: undefined }])
    const [second] = (await b.acquire(NAMESPACE, [acquireOf(nextToken())])).acquired
    assert.equal(second?.state, 'follower')
    assert.ok(second.remainingMs > 1_000 && second.remainingMs <= 5_000, `remaining ${second.remainingMs}`)
  })

  add('tells how long the fill that has the lease expected to take, if its token says so', async ({ a, b }) => {
    await a.acquire(NAMESPACE, [acquireOf(`${nextToken()}:1500`)])
    const { acquired } = await b.acquire(NAMESPACE, [acquireOf(nextToken())])
    assert.ok(acquired[0]?.state === 'follower')
    assert.equal(acquired[0].expectedMs, 1_500)
  })

  add('takes the lease for a set whatever is stored and whoever holds it', async ({ a, b }) => {
    await fill(a)
    const token = await lease(a, { deadId: (await stored(a))!.fillId })
    const { acquired } = await b.acquire(NAMESPACE, [acquireOf(nextToken(), { takes: true })])
    assert.equal(acquired[0]?.state, 'leader')
    assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
  })

  add('gives the lease again to the fill that has it, so that a lost reply costs nothing', async ({ a }) => {
    const token = await lease(a)
    const again = await a.acquire(NAMESPACE, [acquireOf(token!)])
    assert.equal(again.acquired[0]?.state, 'leader')
  })

  add('gives the lease to the next fill once it has ended by itself', async (scene) => {
    await lease(scene.a, { leaseMs: 20 })
    await eventually(scene, 'a new lease', async () => (await lease(scene.b)) !== undefined)
  })

  add('hands back an entry that was stored meanwhile instead of the lease', async ({ a, b }) => {
    const token = await fill(a)
    const [acquired] = (await b.acquire(NAMESPACE, [acquireOf(nextToken())])).acquired
    assert.equal(acquired?.state, 'entry')
    assert.equal(acquired.envelope, (await a.read(NAMESPACE, [KEY])).envelopes[0])
    assert.equal((await stored(b))?.fillId, token)
    assert.equal(await isLeased(b), false)
  })

  add('does not hand back the entry that its caller has judged dead', async ({ a, b }) => {
    const deadId = await fill(a)
    const token = await lease(b, { deadId })
    assert.ok(token, 'the lease was not given')
    assert.equal(await b.commit(NAMESPACE, token, storeOf(token)), 'stored')
    assert.equal((await stored(a))?.fillId, token)
  })

  add('hands back an entry that is not the one judged dead', async ({ a, b }) => {
    const token = await fill(a)
    const { acquired } = await b.acquire(NAMESPACE, [acquireOf(nextToken(), { deadId: nextToken() })])
    assert.equal(acquired[0]?.state, 'entry')
    assert.equal((await stored(b))?.fillId, token)
  })

  add('answers each request of a batch by itself, in their order', async ({ a, b }) => {
    await fill(a, { key: sampleKey('entry') })
    await lease(a, { key: sampleKey('held') })
    const keys = ['held', 'free', 'entry'].map((key) => sampleKey(key))
    const reply = await b.acquire(
      NAMESPACE,
      keys.map((key) => acquireOf(nextToken(), { key })),
    )
    assert.deepEqual(
      reply.acquired.map(({ state }) => state),
      ['follower', 'leader', 'entry'],
    )
  })

  add('brings the control block with the leases', async ({ a, b }) => {
    const reply = await a.acquire(NAMESPACE, [acquireOf(nextToken())])
    assert.deepEqual(reply.control, await b.control(NAMESPACE, []))
  })

  add('R10: brings a clock that is below every later invalidation and not below an earlier one', async ({ a, b }) => {
    const bump = { namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, horizonMs: 60_000 }
    const earlier = await b.bump({ ...bump, origin: nextToken() })
    const { control } = await a.acquire(NAMESPACE, [acquireOf(nextToken())])
    const later = await b.bump({ ...bump, origin: nextToken() })
    assert.ok(control.clock >= earlier.clock, `${control.clock} < ${earlier.clock}`)
    assert.ok(control.clock < later.clock, `${control.clock} >= ${later.clock}`)
  })

  add('extends a lease for the fill that has it and for no other', async (scene) => {
    const { a, b } = scene
    const token = await lease(a, { leaseMs: 1_000 })
    assert.equal(await b.renew(NAMESPACE, KEY, nextToken(), 60_000), false)
    assert.ok((await scene.remainingMs('lease', KEY)) <= 1_000)
    assert.equal(await a.renew(NAMESPACE, KEY, token!, 60_000), true)
    assert.ok((await scene.remainingMs('lease', KEY)) > 1_000)
  })

  add('does not extend a lease that an invalidation has ended', async ({ a, b }) => {
    const token = await lease(a)
    await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    assert.equal(await a.renew(NAMESPACE, KEY, token!, 60_000), false)
    assert.equal(await isLeased(a), false)
  })

  add('ends a lease for the fill that has it and for no other', async ({ a, b }) => {
    const token = await lease(a)
    await b.release(NAMESPACE, KEY, nextToken())
    assert.equal(await isLeased(b), true)
    await a.release(NAMESPACE, KEY, token!)
    assert.equal(await isLeased(b), false)
  })

  add('shows followers what is stored and whether anybody fills', async ({ a, b }) => {
    await fill(a, { key: sampleKey('stored') })
    await lease(a, { key: sampleKey('held') })
    const { states } = await b.follow(
      NAMESPACE,
      ['held', 'stored', 'free'].map((key) => sampleKey(key)),
    )
    assert.deepEqual(
      states.map(({ envelope, leased }) => [envelope !== undefined, leased]),
      [
        [false, true],
        [true, false],
        [false, false],
      ],
    )
  })
}

function failureRules(add: AddRule): void {
  const failure = { code: 'ECONNREFUSED', keepMs: 1_000 }

  add('tells followers that the fill failed, and how', async ({ a, b }) => {
    const token = await lease(a)
    await a.fail(NAMESPACE, KEY, token!, failure)
    const { states } = await b.follow(NAMESPACE, [KEY])
    assert.deepEqual(states, [{ envelope: undefined, leased: false, failure: 'ECONNREFUSED' }])
  })

  add('gives the lease to the next fill after one that failed', async ({ a, b }) => {
    const failed = await lease(a)
    await a.fail(NAMESPACE, KEY, failed!, failure)
    const next = await lease(b)
    assert.ok(next, 'the lease was not given')
    assert.equal(await a.commit(NAMESPACE, failed!, storeOf(failed!)), 'fenced')
    assert.equal(await b.commit(NAMESPACE, next, storeOf(next)), 'stored')
  })

  add('forgets a failure after its time, and when the key is invalidated', async (scene) => {
    const { a, b } = scene
    const first = await lease(a)
    await a.fail(NAMESPACE, KEY, first!, failure)
    await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    assert.equal((await b.follow(NAMESPACE, [KEY])).states[0]?.failure, undefined)
    const second = await lease(a)
    await a.fail(NAMESPACE, KEY, second!, { ...failure, keepMs: 20 })
    await eventually(
      scene,
      'the end of the failure',
      async () => (await b.follow(NAMESPACE, [KEY])).states[0]?.failure === undefined,
    )
  })

  add('lets no fill fail whose lease is gone', async ({ a, b }) => {
    const older = await lease(a)
    await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    await a.fail(NAMESPACE, KEY, older!, failure)
    assert.equal((await b.follow(NAMESPACE, [KEY])).states[0]?.failure, undefined)
    const newer = await lease(b)
    await a.fail(NAMESPACE, KEY, older!, failure)
    assert.equal(await b.renew(NAMESPACE, KEY, newer!, 10_000), true)
  })
}

function raceRules(add: AddRule): void {
  for (const soft of [false, true]) {
    const kind = soft ? 'softly invalidated' : 'invalidated'
    add(`R1: a commit is fenced when its key was ${kind} during the fill`, async ({ a, b }) => {
      const token = await lease(a)
      await b.delete(NAMESPACE, [KEY], payloadOf(), soft)
      assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
      assert.equal(await stored(b), undefined)
    })
  }

  for (const soft of [false, true]) {
    const kind = soft ? 'softly invalidated' : 'invalidated'
    add(`R1: the refresh of a stale entry is fenced when the entry was ${kind} meanwhile`, async ({ a, b }) => {
      const deadId = await fill(a, { staleMs: 60_000 })
      const token = await lease(a, { deadId })
      await b.delete(NAMESPACE, [KEY], payloadOf(), soft)
      assert.equal(await isLeased(b), false)
      assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
      assert.equal((await stored(b))?.fillId, soft ? deadId : undefined)
    })
  }

  add('R1: a commit is fenced when its key was set during the fill', async ({ a, b }) => {
    const token = await lease(a)
    const setId = nextToken()
    await b.set(NAMESPACE, [await setOf(b, { fillId: setId })], payloadOf())
    assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
    assert.equal((await stored(a))?.fillId, setId)
  })

  add('R2: a commit is fenced when its lease has ended, even if nobody took it', async (scene) => {
    const token = await lease(scene.a, { leaseMs: 20 })
    await eventually(scene, 'the end of the lease', async () => !(await isLeased(scene.b)))
    assert.equal(await scene.a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
    assert.equal(await stored(scene.b), undefined)
  })

  add('R2: a commit is fenced when the server lost its lease', async (scene) => {
    const token = await lease(scene.a)
    await scene.evict('lease', KEY)
    assert.equal(await scene.a.commit(NAMESPACE, token!, storeOf(token!)), 'fenced')
  })

  add('R3: an older fill is fenced by the lease of a newer one and leaves it alone', async ({ a, b }) => {
    const older = await lease(a)
    await b.delete(NAMESPACE, [KEY], payloadOf(), false)
    const newer = await lease(b)
    assert.equal(await a.commit(NAMESPACE, older!, storeOf(older!)), 'fenced')
    await a.release(NAMESPACE, KEY, older!)
    assert.equal(await a.renew(NAMESPACE, KEY, older!, 60_000), false)
    assert.equal(await b.commit(NAMESPACE, newer!, storeOf(newer!)), 'stored')
    assert.equal((await stored(a))?.fillId, newer)
  })
}

function commitRules(add: AddRule): void {
  add('ends the lease with the commit, so that a second one is fenced', async ({ a }) => {
    const token = await lease(a)
    assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!)), 'stored')
    assert.equal(await isLeased(a), false)
    assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!, { body: '"again"' })), 'fenced')
    assert.equal((await stored(a))?.body, '{"on":3}')
  })

  add("stamps what it stores with the server's time and changes nothing else", async ({ a, b }) => {
    const token = nextToken()
    const { serverNowMs: before } = await a.acquire(NAMESPACE, [acquireOf(token)])
    const request = storeOf(token, { tags: ['site:1', 'ünit'], staleMs: 1_000, born: 2 ** 50 + 1 })
    await a.commit(NAMESPACE, token, request)
    const { serverNowMs: after, envelopes } = await b.read(NAMESPACE, [KEY])
    const { storedAtMs } = (await stored(b))!
    assert.ok(before <= storedAtMs && storedAtMs <= after, `${before} <= ${storedAtMs} <= ${after}`)
    assert.equal(envelopes[0]?.length, request.envelope.length)
    assert.equal(envelopes[0]?.slice(0, 42), request.envelope.slice(0, 42))
    assert.equal(envelopes[0]?.slice(54), request.envelope.slice(54))
  })

  add('refuses what is older than a marker asks for, compared as numbers, and ends the lease', async (scene) => {
    const { a } = scene
    await scene.put('marker', KEY, '42')
    for (const version of ['41', '9', '0']) {
      const token = await lease(a)
      assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!, { version })), 'superseded', version)
      assert.equal(await isLeased(a), false)
    }
    assert.equal(await stored(a), undefined)
    for (const version of ['42', '100', '10000000000000000000000', undefined]) {
      const token = await lease(a)
      assert.equal(await a.commit(NAMESPACE, token!, storeOf(token!, { version })), 'stored', version)
      await a.delete(NAMESPACE, [KEY], payloadOf(), false)
    }
  })

  add('tells the leader that a marker is there', async (scene) => {
    await scene.put('marker', KEY, '42')
    const { acquired } = await scene.a.acquire(NAMESPACE, [acquireOf(nextToken())])
    assert.deepEqual(acquired, [{ state: 'leader', marker: '42' }])
  })
}
