import { encodeValue, NotPlainData } from './codec.js'
import { decodeEnvelope, encodeEnvelope, HEADER_LENGTH, isAbove } from './envelope.js'
import { CacheError, notOnDisk, UnserialisableValueError } from './errors.js'
import type { Filled } from './fill.js'
import { Flight } from './flights.js'
import type { Found, FoundValue } from './found.js'
import type { Invalidator } from './invalidate.js'
import { subject } from './job.js'
import { fillIdOfToken, leaseToken } from './lease-token.js'
import type { LocalStore } from './local-store.js'
import { encodeEntriesPayload, MAX_KEYS_PER_LOG_ROW } from './log-entry.js'
import type { Namespace } from './namespace.js'
import type { LocalParts } from './parts.js'
import type { Key } from './ports/local-tier.js'
import type { CommitOutcome, Control, SetRequest, SharedTier } from './ports/shared-tier.js'
import type { Space } from './space.js'
import { storedKey } from './stored-key.js'

/** One value to store, checked. */
export interface WriteRequest {
  readonly space: Space
  readonly key: Key
  readonly userKey: Key
  readonly filled: Filled
}

/** A request whose value was told as text. */
interface Encoded {
  readonly request: WriteRequest
  readonly codec: string
  readonly text: string
}

/** What became of one store of a batch, or why it could not be done. */
export type WriteOutcome = 'stored' | 'superseded' | 'full' | CacheError

/** A lease for a store must outlive its second trip; ends by itself if this process does. */
const LEASE_TIMEOUTS = 4

/**
 * Values that the caller computed itself. A store is a flight too: an invalidation that passes while it is on its way
 * keeps it out of memory, and it ends whatever is being filled for its key.
 *
 * In the shared tier it takes the lease of its key, whoever holds it, and commits under it: an invalidation or a later
 * store in between supersedes it, so that one that arrives late, even after its caller gave up, undoes nothing.
 */
export class Writer {
  readonly #parts: LocalParts
  readonly #store: LocalStore
  readonly #invalidator: Invalidator

  constructor(parts: LocalParts, { store, invalidator }: { store: LocalStore; invalidator: Invalidator }) {
    this.#parts = parts
    this.#store = store
    this.#invalidator = invalidator
  }

  /** Stores of one namespace; one outcome for each, in order. Rejects only if the shared tier fails as a whole. */
  async set(requests: readonly WriteRequest[]): Promise<WriteOutcome[]> {
    const { shared } = this.#parts
    const outcomes: WriteOutcome[] = []
    for (let from = 0; from < requests.length; from += MAX_KEYS_PER_LOG_ROW) {
      const batch = requests.slice(from, from + MAX_KEYS_PER_LOG_ROW)
      outcomes.push(...(shared ? await this.#setShared(batch, shared) : await this.#setLocally(batch)))
    }
    return outcomes
  }

  /**
   * Keeps a value in this process alone, unless it died since `seen`, a sequence of its namespace. When it was read at
   * its origin is not known: with the log out of reach it does not answer. Nothing is kept before the disk is open.
   */
  keepHere({ space, key, filled }: WriteRequest, seen: number): void {
    // What comes after it, an invalidation or a store for everybody, waits until the disk is open.
    if (filled.freshMs === 0 || this.#parts.disk?.isReady(space.namespace) === false) return
    this.#store.put({ space, key }, this.#found(filled, seen, Number.NEGATIVE_INFINITY), undefined)
  }

  /** What this process keeps of an entry goes, and whatever is on its way here. */
  drop(space: Space, key: Key): void {
    this.#store.evict(space, key, false)
  }

  /** All of a batch are on the disk after a crash, or none; what is too large for it may be in memory. */
  async #setLocally(requests: readonly WriteRequest[]): Promise<WriteOutcome[]> {
    const { disk, clock } = this.#parts
    const { namespace } = requests[0]!.space
    if (disk?.isReady(namespace) === false) await disk.ready(namespace)
    const here = requests.map((request) => (disk && plainData(request)) ?? this.#setHere(request))
    if (disk === undefined) return here.map((outcome) => (outcome instanceof CacheError ? outcome : 'stored'))
    const nowMs = clock.now()
    const entries = requests
      .filter((_, index) => !(here[index] instanceof CacheError))
      .map(({ space, key, filled }) => {
        return { space, key, found: filled.freshMs > 0 ? this.#found(filled, namespace.sequence, nowMs) : undefined }
      })
    const kept = (await disk.set(entries)).values()
    return here.map((outcome, index) => {
      if (outcome instanceof CacheError) return outcome
      const onDisk = kept.next().value!
      if (onDisk === 'not') return notOnDisk('a value')
      return onDisk === 'too-large' && outcome === 'not-in-memory'
        ? tooLarge(requests[index]!.space, `the disk tier's limit of ${disk.tier.maxEntryBytes} bytes`)
        : 'stored'
    })
  }

  /** 'not-in-memory': the disk may have it. */
  #setHere({ space, key, filled }: WriteRequest): 'stored' | 'not-in-memory' | CacheError {
    const { memory, disk, clock } = this.#parts
    const { freshUntilMs, storedAtMs, seen, tags } = this.#found(filled, space.namespace.sequence, clock.now())
    const { value, staleMs } = filled
    const entry = { value, freshUntilMs, staleMs, storedAtMs, seen, tags: tags.length === 0 ? undefined : tags }
    const isInMemory = filled.freshMs > 0 && memory?.set(space, key, entry) === true
    if (filled.freshMs > 0 && !isInMemory) {
      if (disk === undefined) return tooLarge(space, "memory's limit for one entry")
      memory?.delete(space, key)
    }
    // Whatever is being filled began before this value was given.
    space.flights.poison(key, false)
    if (filled.freshMs === 0) this.#store.evict(space, key, false)
    return isInMemory ? 'stored' : 'not-in-memory'
  }

  async #setShared(requests: readonly WriteRequest[], shared: SharedTier): Promise<WriteOutcome[]> {
    const checked = requests.map((request) => this.#encode(request, shared))
    const sendable = checked.filter((one): one is Encoded => !(one instanceof CacheError))
    const outcomes = sendable.length === 0 ? [] : await this.#send(sendable, shared)
    let next = 0
    return checked.map((one) => (one instanceof CacheError ? one : outcomes[next++]!))
  }

  async #send(encoded: readonly Encoded[], shared: SharedTier): Promise<('stored' | 'superseded' | 'full')[]> {
    const flights = encoded.map(({ request }) => this.#register(request))
    const { namespace } = encoded[0]!.request.space
    const origin = this.#invalidator.newOrigin()
    const askedAt = namespace.sequence
    try {
      const { control, tokens, claimedAtMs } = await this.#claim(encoded, shared)
      namespace.adopt(control, [], askedAt)
      const stores = encoded.map((one, index) => this.#envelop(one, tokens[index]!, control))
      this.#invalidator.expectOwn(origin)
      const payload = encodeEntriesPayload({
        namespace: namespace.id,
        origin,
        soft: false,
        keys: stores.map(({ key }) => key),
      })
      const { outcomes } = await shared.set(namespace.id, stores, payload)
      const fenced = encoded.filter((_, index) => outcomes[index] === 'fenced').map(({ request }) => request)
      if (fenced.length > 0) await this.#endOlder(namespace, fenced, { shared, claimedAtMs })
      return encoded.map((one, index) => {
        const outcome = outcomes[index]!
        if (outcome !== 'stored') return this.#refused(one.request, outcome)
        this.#keep(one, flights[index]!, control)
        return 'stored'
      })
    } catch (cause) {
      this.#invalidator.forgetOwn(origin)
      // It may be done: what came to memory meanwhile is then the old value, and its own log row may have come by.
      for (const { request } of encoded) this.#store.evict(request.space, request.key, false)
      throw new CacheError(
        'SHARED_TIER_FAILED',
        `The ${shared.name} tier did not acknowledge a set. Repeat it; that is safe.`,
        { cause },
      )
    } finally {
      for (const [index, { request }] of encoded.entries()) request.space.flights.settle(flights[index]!)
    }
  }

  #encode(request: WriteRequest, shared: SharedTier): Encoded | CacheError {
    const { space, filled } = request
    const encoded = encodeValue(filled.value)
    if (encoded instanceof NotPlainData) {
      return new UnserialisableValueError(space.policy.name, encoded.path, encoded.found)
    }
    const headBytes = HEADER_LENGTH + Buffer.byteLength(filled.tags.join('\n'))
    return isAbove(encoded.text, shared.maxEntryBytes - headBytes)
      ? tooLarge(space, `the ${shared.name} tier's limit of ${shared.maxEntryBytes} bytes`)
      : { request, ...encoded }
  }

  /** Poisons the fills under way, evicts the old value, and watches for events until the store is acknowledged. */
  #register({ space, key }: WriteRequest): Flight<Found> {
    this.#store.evict(space, key, false)
    const flight = new Flight<Found>(key, space.namespace.sequence, this.#parts.clock.now())
    flight.isDetached = true
    space.flights.register(flight)
    return flight
  }

  /** Leases, and the namespace's state read before anything is stored: an invalidation from now on wins. */
  async #claim(
    encoded: readonly Encoded[],
    shared: SharedTier,
  ): Promise<{ control: Control; tokens: string[]; claimedAtMs: number }> {
    const tokens = encoded.map(() => leaseToken(this.#parts.random.fillId(), undefined))
    const leaseMs = shared.commandTimeoutMs * LEASE_TIMEOUTS
    const claims = encoded.map(({ request: { space, key } }, index) => {
      return { key: storedKey(space.prefix, key), token: tokens[index]!, leaseMs, takes: true }
    })
    const { control, serverNowMs } = await shared.acquire(encoded[0]!.request.space.namespace.id, claims)
    return { control, tokens, claimedAtMs: serverNowMs }
  }

  /**
   * A store whose lease was gone may have been crossed by an invalidation or a later store, or the lease just ended,
   * and then the old value is still there. What was stored before the claim, or at a time that has not come yet, is
   * invalidated: in doubt a miss.
   */
  async #endOlder(
    namespace: Namespace,
    fenced: readonly WriteRequest[],
    { shared, claimedAtMs }: { shared: SharedTier; claimedAtMs: number },
  ): Promise<void> {
    const keys = fenced.map(({ space, key }) => storedKey(space.prefix, key))
    const { states, serverNowMs } = await shared.follow(namespace.id, keys)
    const entries = fenced.filter((_, index) => {
      const { envelope: text } = states[index]!
      if (text === undefined) return false
      const storedAtMs = decodeEnvelope(text)?.storedAtMs ?? 0
      return storedAtMs <= claimedAtMs || storedAtMs > serverNowMs
    })
    if (entries.length > 0)
      await this.#invalidator.invalidate({ namespace, entries, tags: [], clear: false, soft: false })
  }

  #envelop({ request, codec, text }: Encoded, token: string, control: Control): SetRequest {
    const { space, key, filled } = request
    const { freshMs, tags, version } = filled
    // Of a life of zero nothing is left, not even as stale.
    const staleMs = freshMs === 0 ? 0 : filled.staleMs
    const { epoch, clock: born } = control
    const fillId = fillIdOfToken(token)
    const envelope = encodeEnvelope({ codec, fillId, epoch, born, freshMs, staleMs, tags, body: text })
    const keepMs = Math.max(1, Math.ceil(freshMs + staleMs))
    return { key: storedKey(space.prefix, key), token, envelope, keepMs, version }
  }

  /**
   * Keeps an acknowledged value here, unless an event or another store crossed it: nobody here knows which of two came
   * last. Its own log row is not applied, so whatever is on its way to memory is poisoned now (race R5).
   */
  #keep({ request, codec, text }: Encoded, flight: Flight<Found>, control: Control): void {
    const { space, key, filled } = request
    const { namespace } = space
    const isAlone = !flight.isPoisoned
    this.#store.evict(space, key, false)
    if (!isAlone || filled.freshMs === 0) return
    if (namespace.judge(control.epoch, control.clock, filled.tags) !== 'current') return
    const form = { codec, body: text, epoch: control.epoch, born: control.clock }
    const found = this.#found(filled, namespace.sequence, flight.startedAtMs)
    this.#store.put({ space, key }, { ...found, form }, undefined)
  }

  /** What came to memory while the store was on its way may be the old value: its own log row is not applied. */
  #refused(request: WriteRequest, outcome: CommitOutcome): 'superseded' | 'full' {
    const { events } = this.#parts
    this.#store.evict(request.space, request.key, false)
    const cause = outcome === 'full' ? outcome : 'superseded'
    if (events.hears('not-stored')) events.emit({ type: 'not-stored', ...subject(request), cause })
    return cause
  }

  #found({ value, freshMs, staleMs, tags }: Filled, seen: number, provenAtMs: number): FoundValue {
    const { clock } = this.#parts
    return {
      state: 'fresh',
      value,
      source: 'fill',
      freshUntilMs: clock.now() + freshMs,
      staleMs,
      storedAtMs: clock.wallNow(),
      tags,
      seen,
      provenAtMs,
      isStored: true,
    }
  }
}

/** What is to be told to another process, though it be the next one, must be plain data. */
function plainData({ space, filled }: WriteRequest): CacheError | undefined {
  const encoded = encodeValue(filled.value)
  return encoded instanceof NotPlainData
    ? new UnserialisableValueError(space.policy.name, encoded.path, encoded.found)
    : undefined
}

function tooLarge(space: Space, limit: string): CacheError {
  return new CacheError(
    'ENTRY_TOO_LARGE',
    `A value of policy '${space.policy.name}' is above ${limit}; it was not stored.`,
  )
}
