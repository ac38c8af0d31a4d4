import assert from 'node:assert/strict'
import type { ReclaimStep, SharedTier } from '../core/ports/shared-tier.js'
import { namespaceId, spacePrefix, storedKey } from '../core/stored-key.js'
import type { AddRule } from './shared-tier-suite.js'
import {
  acquireOf,
  fill,
  isLeased,
  KEY,
  lease,
  NAMESPACE,
  nextToken,
  payloadOf,
  sampleKey,
  stored,
  storeOf,
} from './shared-tier-suite-samples.js'

const STRANGE = [
  '',
  ' ',
  ':',
  '|',
  '{',
  '}',
  '{}',
  '}{',
  '*',
  '?[a-z]*',
  '!e',
  'a\nb',
  'a\r\nb',
  '\u0000x',
  '"\'\\',
  'ünïcode',
  '水',
  '🧊',
  '\ud800',
  '\udc00x',
  'x'.repeat(200),
  '__proto__',
  'constructor',
]

/** Names of every kind, batches of every size, and the end of a tier's life. */
export function keyRules(add: AddRule): void {
  nameRules(add)
  batchRules(add)
  reclaimRules(add)
  closingRules(add)
}

function nameRules(add: AddRule): void {
  add('keeps strange keys apart, with data and lease of each', async ({ a, b }) => {
    const keys = [...STRANGE, 7].map((key) => storedKey(spacePrefix(NAMESPACE, 'strange', 1), key))
    for (const [index, key] of keys.entries()) await fill(a, { key, body: String(index) })
    for (const [index, key] of keys.entries()) assert.equal((await stored(b, key))?.body, String(index), key)
    for (const key of keys) {
      await b.delete(NAMESPACE, [key], payloadOf([key]), false)
      assert.equal(await stored(a, key), undefined)
      const token = await lease(a, { key })
      assert.ok(token, key)
      await b.delete(NAMESPACE, [key], payloadOf([key]), false)
      assert.equal(await isLeased(a, key), false, key)
    }
  })

  add('keeps strange namespaces and tags apart', async ({ a, b }) => {
    const names = STRANGE.filter((name) => name.isWellFormed())
    const clocks = new Map<string, number>()
    for (const name of names) {
      const request = { clear: false, soft: false, origin: nextToken(), horizonMs: 60_000 }
      const { clock } = await a.bump({ ...request, namespace: NAMESPACE, tags: [name] })
      clocks.set(name, clock)
      await a.bump({ ...request, namespace: namespaceId(name), tags: [], clear: true })
    }
    const control = await b.control(NAMESPACE, names)
    assert.deepEqual(
      control.tags.map(({ hard }) => hard),
      names.map((name) => clocks.get(name)),
    )
    assert.equal(control.floor, 0)
    const epochs = await Promise.all(names.map(async (name) => (await b.control(namespaceId(name), [])).epoch))
    assert.equal(new Set(epochs).size, names.length)
  })
}

function batchRules(add: AddRule): void {
  add('does for many keys in one call what it does for one', async ({ a, b }) => {
    const keys = Array.from({ length: 300 }, (_, index) => sampleKey(`k${index}`))
    const tokens = keys.map(() => nextToken())
    const acquired = await a.acquire(
      NAMESPACE,
      tokens.map((token, index) => acquireOf(token, { key: keys[index]! })),
    )
    assert.ok(acquired.acquired.every(({ state }) => state === 'leader'))
    const requests = keys.map((key, index) => {
      const token = tokens[index]!
      return { ...storeOf(token, { key, body: String(index) }), token }
    })
    assert.ok((await b.set(NAMESPACE, requests, payloadOf(keys))).outcomes.every((outcome) => outcome === 'stored'))
    const { envelopes } = await a.read(NAMESPACE, keys)
    assert.deepEqual(
      envelopes.map((envelope) => envelope?.slice(76)),
      keys.map((_, index) => String(index)),
    )
    const { existed } = await a.delete(NAMESPACE, keys, payloadOf(keys), false)
    assert.ok(existed.length === 300 && existed.every(Boolean))
    assert.ok((await b.follow(NAMESPACE, keys)).states.every(({ envelope, leased }) => !envelope && !leased))
  })

  add('answers an empty batch without a command', async (scene) => {
    const { a } = scene
    const before = scene.sentCommands()
    assert.deepEqual((await a.read(NAMESPACE, [])).envelopes, [])
    assert.deepEqual((await a.follow(NAMESPACE, [])).states, [])
    assert.deepEqual((await a.set(NAMESPACE, [], '')).outcomes, [])
    for (const soft of [false, true]) assert.deepEqual((await a.delete(NAMESPACE, [], '', soft)).existed, [])
    assert.equal(scene.sentCommands(), before)
  })

  add('brings the control block for a fill of nothing', async ({ a, b }) => {
    const reply = await a.acquire(NAMESPACE, [])
    assert.deepEqual(reply.acquired, [])
    assert.deepEqual(reply.control, await b.control(NAMESPACE, []))
  })
}

function reclaimRules(add: AddRule): void {
  /** Walks to the end, and answers what all steps did together. */
  const reclaim = async (
    tier: SharedTier,
    dryRun: boolean,
    namespace = NAMESPACE,
  ): Promise<Omit<ReclaimStep, 'next'>> => {
    const sum = { entries: 0, leases: 0, deleted: 0 }
    for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
      const step: ReclaimStep = await tier.reclaim!(namespace, { cursor, dryRun })
      sum.entries += step.entries
      sum.leases += step.leases
      sum.deleted += step.deleted
      cursor = step.next
    }
    return sum
  }

  add('takes back the room of one namespace and of no other, step by step', async ({ a, b }) => {
    if (a.reclaim === undefined) return
    const others = ['org-70', 'ORG-7', '*', 'org-?', ''].map(namespaceId)
    const keys = (namespace: string): string[] =>
      STRANGE.map((key) => storedKey(spacePrefix(namespace, 'strange', 1), key))
    for (const key of [...keys(NAMESPACE), ...others.flatMap(keys)]) await fill(a, { key })
    assert.ok(await lease(a, { key: sampleKey('leased') }))
    const found = { entries: STRANGE.length, leases: 1 }
    assert.deepEqual(await reclaim(b, true), { ...found, deleted: 0 })
    assert.deepEqual(await reclaim(b, false), { ...found, deleted: STRANGE.length + 1 })
    for (const key of keys(NAMESPACE)) assert.equal(await stored(a, key), undefined, key)
    assert.equal(await isLeased(a, sampleKey('leased')), false)
    for (const key of others.flatMap(keys)) assert.notEqual(await stored(a, key), undefined, key)
    assert.deepEqual(await reclaim(a, false), { entries: 0, leases: 0, deleted: 0 })
    const odd = namespaceId('a[b]*?\\')
    await fill(a, { key: storedKey(spacePrefix(odd, 'strange', 1), 'k') })
    assert.deepEqual(await reclaim(b, false, odd), { entries: 1, leases: 0, deleted: 1 })
  })
}

function closingRules(add: AddRule): void {
  add(
    'rejects calls once it is closed, however often it is closed, and leaves other processes alone',
    async (scene) => {
      const { a, b } = scene
      await fill(a)
      await a.subscribe?.(() => {})
      await Promise.all([a.close(), a.close()])
      await a.close()
      await assert.rejects(a.read(NAMESPACE, [KEY]))
      const one = a.readOne<string>(
        KEY,
        () => 'read',
        () => 'refused',
      )
      assert.equal(await one, 'refused')
      await assert.rejects(a.delete(NAMESPACE, [KEY], payloadOf(), false))
      assert.notEqual(await stored(b), undefined)
    },
  )
}
