import fc from 'fast-check'
import { encodeEnvelope, FRESH_MS_OFFSET, STALE_MS_OFFSET, STORED_AT_OFFSET } from '../../src/core/envelope.js'
import type { SharedTier } from '../../src/core/ports/shared-tier.js'
import type { SharedTierHarness } from '../../src/testing/index.js'

const NAMESPACE = '5:org-7'
const HOUR_MS = 3_600_000
const KEYS = ['5:org-7|units@1|a', '5:org-7|units@1|b', '5:org-7|units@1|{c}']
const TAGS = ['x', 'y']

/** One call of the port, or one thing that happens to the server. */
export interface Step {
  readonly title: string
  run(tier: SharedTier, harness: SharedTierHarness): Promise<unknown>
}

const key = fc.constantFrom(...KEYS)
const keys = fc.uniqueArray(key, { minLength: 1 })
const token = fc.constantFrom('A', 'B', 'C').map((letter) => letter.repeat(16))
const version = fc.option(fc.constantFrom('7', '42', '100'), { nil: undefined })
const tags = fc.subarray(TAGS, { minLength: 1 })
const store = fc.record({
  key,
  keepMs: fc.constant(HOUR_MS),
  version,
  envelope: fc
    .record({ fillId: token, staleMs: fc.constantFrom(0, 60_000), body: fc.constantFrom('1', '"é"') })
    .map((parts) => encodeEnvelope({ codec: 'j', epoch: 'epoch-01', born: 1, freshMs: 1_000, tags: ['x'], ...parts })),
})

function step<T>(name: string, drawn: fc.Arbitrary<T>, run: (drawn: T) => Step['run']): fc.Arbitrary<Step> {
  return drawn.map((value) => ({
    title: `${name} ${JSON.stringify(value)}`,
    run: run(value),
    // What fast-check prints of a failing sequence.
    [fc.toStringMethod]: () => `${name} ${JSON.stringify(value)}`,
  }))
}

/** Every method, with names from a space so small that calls meet. */
export const STEP: fc.Arbitrary<Step> = fc.oneof(
  step('read', fc.record({ keys, tags }), (drawn) => (tier) => tier.read(NAMESPACE, drawn.keys, { tags: drawn.tags })),
  step('follow', keys, (drawn) => (tier) => tier.follow(NAMESPACE, drawn)),
  step('control', tags, (drawn) => (tier) => tier.control(NAMESPACE, drawn)),
  step(
    'acquire',
    fc.record({
      key,
      token: fc.oneof(
        token,
        token.map((id) => `${id}:250`),
      ),
      leaseMs: fc.constant(HOUR_MS),
      deadId: fc.option(token, { nil: undefined }),
      takes: fc.boolean(),
    }),
    (drawn) => (tier) => tier.acquire(NAMESPACE, [drawn]),
  ),
  step('commit', fc.record({ token, store }), (drawn) => (tier) => tier.commit(NAMESPACE, drawn.token, drawn.store)),
  step('renew', fc.record({ key, token }), (drawn) => (tier) => tier.renew(NAMESPACE, drawn.key, drawn.token, HOUR_MS)),
  step(
    'fail',
    fc.record({ key, token }),
    (drawn) => (tier) => tier.fail(NAMESPACE, drawn.key, drawn.token, { code: 'E', keepMs: HOUR_MS }),
  ),
  step('release', fc.record({ key, token }), (drawn) => (tier) => tier.release(NAMESPACE, drawn.key, drawn.token)),
  step(
    'set',
    fc.record({
      token,
      stores: fc.uniqueArray(store, { minLength: 1, maxLength: 2, selector: (request) => request.key }),
    }),
    (drawn) => (tier) =>
      tier.set(
        NAMESPACE,
        drawn.stores.map((request) => ({ ...request, token: drawn.token })),
        'set',
      ),
  ),
  step('delete', fc.record({ keys, soft: fc.boolean(), version }), (drawn) => (tier) => {
    const marker = drawn.version === undefined ? undefined : { version: drawn.version, keepMs: HOUR_MS }
    return tier.delete(NAMESPACE, drawn.keys, 'delete', drawn.soft, marker)
  }),
  step('bump', fc.record({ tags, soft: fc.boolean() }), (drawn) => (tier) => tier.bump(bumpOf(drawn))),
  step('clear', fc.constant({ tags: [] as string[], clear: true }), (drawn) => (tier) => tier.bump(bumpOf(drawn))),
  step('tail', fc.constant(0), (shard) => (tier) => tier.tail(shard)),
  step('log', fc.constant(0), (shard) => (tier) => tier.logSince(shard, '0-0', 1_000)),
  step('put marker', key, (drawn) => (_tier, harness) => harness.put('marker', drawn, '42')),
  step('put foreign text', key, (drawn) => (_tier, harness) => harness.put('data', drawn, 'hello')),
  step('lose an entry', key, (drawn) => (_tier, harness) => harness.evict('data', drawn)),
  step('lose a lease', key, (drawn) => (_tier, harness) => harness.evict('lease', drawn)),
  step('lose the control block', fc.constant(NAMESPACE), (drawn) => (_t, harness) => harness.evict('control', drawn)),
  // A log that begins anew within the same millisecond gives out an id again: the names of this test would meet.
  step('lose the log', fc.constant(''), (drawn) => async (_tier, harness) => {
    await harness.evict('log', drawn)
    await harness.pass(2)
  }),
)

function bumpOf(parts: { tags: string[]; soft?: boolean; clear?: boolean }) {
  return { namespace: NAMESPACE, clear: false, soft: false, origin: 'o', horizonMs: HOUR_MS, ...parts }
}

/**
 * What two servers must have in common: their own times, clocks, ids and random names are replaced by numbers in the
 * order in which they first appeared.
 */
export class Normaliser {
  readonly #seen = new Map<string, string>()

  normalise(reply: unknown): unknown {
    return JSON.parse(
      JSON.stringify(reply ?? null, (field, value: unknown) => {
        if (field === 'serverNowMs' || field === 'remainingMs') return undefined
        if (field === 'epoch' || field === 'generation' || field === 'id') return this.#name(field, value)
        if (['clock', 'floor', 'pruned', 'hard'].includes(field)) return this.#name('clock', value)
        if (field === 'soft' && Array.isArray(value)) return value.map((clock) => this.#name('clock', clock))
        return typeof value === 'string' ? this.#inText(value) : value
      }),
    )
  }

  #name(kind: string, value: unknown): unknown {
    if (value === 0 || value === '' || typeof value === 'boolean') return value
    const known = this.#seen.get(`${kind} ${value}`)
    if (known) return known
    const name = `${kind} ${this.#seen.size}`
    this.#seen.set(`${kind} ${value}`, name)
    return name
  }

  /**
   * Envelopes carry the time of their store, and their age at a soft invalidation, which a real clock decides; payloads
   * carry epochs, clocks and generations.
   */
  #inText(text: string): string {
    if (/^1js/.test(text)) return `${text.slice(0, STORED_AT_OFFSET)} softened ${text.slice(STALE_MS_OFFSET)}`
    if (/^1j/.test(text)) return text.slice(0, STORED_AT_OFFSET) + text.slice(FRESH_MS_OFFSET)
    return text
      .replace(/^\["g","([^"]+)"\]$/, (_, generation) => `["g",${this.#name('generation', generation)}]`)
      .replace(
        /"([\w-]{8})",(\d{16})\]$/,
        (_, epoch, clock) => `${this.#name('epoch', epoch)},${this.#name('clock', Number(clock))}]`,
      )
  }
}
