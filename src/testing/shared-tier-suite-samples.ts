import { decodeEnvelope, type Envelope, encodeEnvelope } from '../core/envelope.js'
import { encodeEntriesPayload } from '../core/log-entry.js'
import type {
  AcquireRequest,
  LogSlice,
  LogTail,
  SetRequest,
  SharedTier,
  StoredKey,
  StoreRequest,
} from '../core/ports/shared-tier.js'
import { namespaceId, spacePrefix, storedKey } from '../core/stored-key.js'
import type { SharedTierScene } from './shared-tier-suite.js'

// What the tests of the suite write: short names for a namespace, keys, entries and requests.

export const NAMESPACE = namespaceId('org-7')
export const HOUR_MS = 3_600_000

export const KEY = sampleKey('all')

export function sampleKey(key: string, namespace = NAMESPACE): StoredKey {
  return storedKey(spacePrefix(namespace, 'unit-counts', 1), key)
}

let tokens = 0

/** The id of a fill, used once. */
export function nextToken(): string {
  return String(++tokens).padStart(16, 'T')
}

export function sampleEnvelope(parts: Partial<Envelope> = {}): string {
  return encodeEnvelope({
    codec: 'j',
    fillId: nextToken(),
    epoch: 'epoch-01',
    born: 1,
    freshMs: 60_000,
    staleMs: 0,
    tags: [],
    body: '{"on":3}',
    ...parts,
  })
}

export function acquireOf(token: string, parts: Partial<AcquireRequest> = {}): AcquireRequest {
  return { key: KEY, token, leaseMs: 10_000, ...parts }
}

/** What a fill with this token stores. */
export function storeOf(token: string, parts: Partial<StoreRequest & Envelope> = {}): StoreRequest {
  const { key = KEY, keepMs = 60_000, version, ...envelope } = parts
  return { key, keepMs, version, envelope: parts.envelope ?? sampleEnvelope({ ...envelope, fillId: token }) }
}

/** What a direct `set` stores: a lease of its own is taken first, whoever holds it. */
export async function setOf(
  tier: SharedTier,
  parts: Partial<StoreRequest & Envelope> & { fillId?: string } = {},
): Promise<SetRequest> {
  const { fillId: token = nextToken() } = parts
  const request = storeOf(token, parts)
  const { acquired } = await tier.acquire(NAMESPACE, [acquireOf(token, { key: request.key, takes: true })])
  if (acquired[0]?.state !== 'leader') throw new Error('the lease was not given')
  return { ...request, token }
}

export function payloadOf(keys: readonly StoredKey[] = [KEY], origin = nextToken()): string {
  return encodeEntriesPayload({ namespace: NAMESPACE, origin, soft: false, keys })
}

/** A whole fill: lease and commit. Answers its token. */
export async function fill(tier: SharedTier, parts: Partial<StoreRequest & Envelope> = {}): Promise<string> {
  const token = nextToken()
  await tier.acquire(NAMESPACE, [acquireOf(token, { key: parts.key ?? KEY })])
  await tier.commit(NAMESPACE, token, storeOf(token, parts))
  return token
}

/** The lease for a key, or undefined if it was not given. */
export async function lease(tier: SharedTier, parts: Partial<AcquireRequest> = {}): Promise<string | undefined> {
  const token = nextToken()
  const { acquired } = await tier.acquire(NAMESPACE, [acquireOf(token, parts)])
  return acquired[0]?.state === 'leader' ? token : undefined
}

/** What is stored under a key, decoded; undefined for nothing and for what is no envelope. */
export async function stored(tier: SharedTier, key: StoredKey = KEY): Promise<Envelope | undefined> {
  const { envelopes } = await tier.read(NAMESPACE, [key])
  return envelopes[0] === undefined ? undefined : decodeEnvelope(envelopes[0])
}

export async function isLeased(tier: SharedTier, key: StoredKey = KEY): Promise<boolean> {
  return (await tier.follow(NAMESPACE, [key])).states[0]!.leased
}

/** Lets time pass in small steps until something is true. */
export async function eventually(scene: SharedTierScene, what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let step = 0; step < 1_000; step++) {
    if (await isTrue()) return
    await scene.pass(5)
  }
  throw new Error(`${what} did not come true`)
}

/** The newest row of the log that the samples' namespace writes to. */
export function tailOf(tier: SharedTier): Promise<LogTail> {
  return tier.tail(tier.shardOf(NAMESPACE))
}

export function rowsSince(tier: SharedTier, from: string, limit: number): Promise<LogSlice> {
  return tier.logSince(tier.shardOf(NAMESPACE), from, limit)
}
