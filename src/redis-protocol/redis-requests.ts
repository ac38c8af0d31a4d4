import { bumpPayloadHead } from '../core/log-entry.js'
import type { Random } from '../core/ports/random.js'
import type {
  AcquireRequest,
  BumpRequest,
  Marker,
  NamespaceId,
  StoredKey,
  StoreRequest,
} from '../core/ports/shared-tier.js'
import type { ScriptRun } from './redis-commands.js'
import type { RedisCommand } from './redis-connection.js'
import type { RedisLayout } from './redis-layout.js'
import { CONTROL_FIELDS, tagFields } from './redis-replies.js'
import { ACQUIRE } from './scripts/acquire.js'
import { APPEND } from './scripts/append.js'
import { BUMP } from './scripts/bump.js'
import { COMMIT } from './scripts/commit.js'
import { END_EPOCH } from './scripts/end-epoch.js'
import { FAIL } from './scripts/fail.js'
import { MARK } from './scripts/mark.js'
import { OPEN } from './scripts/open.js'
import { RELEASE } from './scripts/release.js'
import { RENEW } from './scripts/renew.js'
import { SOFTEN } from './scripts/soften.js'
import { TAIL } from './scripts/tail.js'

/** What the tier sends: every command and script with its keys and arguments. Its replies are in `redis-replies.ts`. */
export class RedisRequests {
  readonly #layout: RedisLayout
  readonly #random: Random
  readonly #maxRows: string
  /** The longest life of an entry that this process has named; announced with every control block it opens. */
  #horizonMs = 0

  constructor(layout: RedisLayout, random: Random, logMaxEntries: number) {
    this.#layout = layout
    this.#random = random
    this.#maxRows = String(logMaxEntries)
  }

  dataKeys(keys: readonly StoredKey[]): string[] {
    return keys.map((key) => this.#layout.data(key))
  }

  /** Data and lease of each key in turn. */
  followedKeys(keys: readonly StoredKey[]): string[] {
    return this.#dataAndLease(keys)
  }

  control(shard: number, namespace: NamespaceId, tags: readonly string[]): RedisCommand {
    return ['HMGET', this.#layout.control(shard, namespace), ...CONTROL_FIELDS, ...tagFields(tags)]
  }

  open(shard: number, namespace: NamespaceId, tags: readonly string[]): ScriptRun {
    return this.#onControl(OPEN, { shard, namespace, args: tagFields(tags) })
  }

  bump(shard: number, request: BumpRequest): ScriptRun {
    this.#noteLife(request.horizonMs)
    const { namespace, clear, soft, tags } = request
    const fields = tags.map((tag) => (soft ? 's' : 't') + tag)
    return this.#onControl(BUMP, { shard, namespace, args: [bumpPayloadHead(request), clear ? '1' : '0', ...fields] })
  }

  endEpoch(shard: number, namespace: NamespaceId, epoch: string): ScriptRun {
    return { script: END_EPOCH, keys: [this.#layout.control(shard, namespace)], args: [epoch] }
  }

  acquire({ key, token, leaseMs, deadId, takes }: AcquireRequest): ScriptRun {
    const args = [token, lifeText(leaseMs), deadId ?? '', takes ? '1' : '0']
    return { script: ACQUIRE, keys: this.#entryKeys(key), args }
  }

  commit(token: string, request: StoreRequest): ScriptRun {
    const { key, envelope, keepMs, version } = request
    this.#noteLife(keepMs)
    return { script: COMMIT, keys: this.#entryKeys(key), args: [token, envelope, lifeText(keepMs), version ?? ''] }
  }

  renew(key: StoredKey, token: string, leaseMs: number): ScriptRun {
    return { script: RENEW, keys: [this.#layout.lease(key)], args: [token, lifeText(leaseMs)] }
  }

  release(key: StoredKey, token: string): ScriptRun {
    return { script: RELEASE, keys: [this.#layout.lease(key)], args: [token] }
  }

  fail(key: StoredKey, token: string, { code, keepMs }: { code: string; keepMs: number }): ScriptRun {
    return { script: FAIL, keys: [this.#layout.lease(key)], args: [token, code, lifeText(keepMs)] }
  }

  mark(keys: readonly StoredKey[], { version, keepMs }: Marker): ScriptRun[] {
    return keys.map((key) => ({ script: MARK, keys: [this.#layout.marker(key)], args: [version, lifeText(keepMs)] }))
  }

  /** Whether something is there: for people. */
  exists(key: StoredKey): RedisCommand {
    return ['EXISTS', this.#layout.data(key)]
  }

  /** Data and lease of all keys go in one atomic command. */
  unlink(keys: readonly StoredKey[]): RedisCommand {
    return ['UNLINK', ...this.#dataAndLease(keys)]
  }

  /** For a slot on the move, which refuses two keys at once: the second command must be sent after the first is done. */
  unlinkApart(key: StoredKey): [lease: RedisCommand, data: RedisCommand] {
    return [
      ['UNLINK', this.#layout.lease(key)],
      ['UNLINK', this.#layout.data(key)],
    ]
  }

  /** One reply for each key: whether something was there. */
  soften(keys: readonly StoredKey[]): ScriptRun[] {
    return keys.map((key) => ({ script: SOFTEN, keys: this.#dataAndLease([key]), args: [] }))
  }

  append(shard: number, payload: string): ScriptRun {
    return { script: APPEND, keys: this.#logKeys(shard), args: [this.#random.shortId(), this.#maxRows, payload] }
  }

  tail(shard: number): ScriptRun {
    return { script: TAIL, keys: this.#logKeys(shard), args: [this.#random.shortId(), this.#maxRows] }
  }

  rows(shard: number, from: string, limit: number): RedisCommand {
    return ['XRANGE', this.#layout.log(shard), from, '+', 'COUNT', String(limit)]
  }

  /** The log's generation, and whether the log is there: a lost log leaves its generation behind until it begins anew. */
  generation(shard: number): RedisCommand[] {
    return [
      ['EXISTS', this.#layout.log(shard)],
      ['GET', this.#layout.generation(shard)],
    ]
  }

  /** OPEN and BUMP begin with the same keys and arguments, because either may find block and log missing. */
  #onControl(
    script: ScriptRun['script'],
    { shard, namespace, args }: { shard: number; namespace: NamespaceId; args: readonly string[] },
  ): ScriptRun {
    const epoch = this.#random.shortId()
    const generation = this.#random.shortId()
    const announcement = bumpPayloadHead({ namespace, tags: [], clear: true, soft: false, origin: '' })
    return {
      script,
      keys: [this.#layout.control(shard, namespace), ...this.#logKeys(shard)],
      args: [epoch, generation, this.#maxRows, lifeText(this.#horizonMs), announcement, ...args],
    }
  }

  #noteLife(lifeMs: number): void {
    this.#horizonMs = Math.max(this.#horizonMs, lifeMs)
  }

  #dataAndLease(keys: readonly StoredKey[]): string[] {
    return keys.flatMap((key) => [this.#layout.data(key), this.#layout.lease(key)])
  }

  #entryKeys(key: StoredKey): string[] {
    return [this.#layout.data(key), this.#layout.lease(key), this.#layout.marker(key)]
  }

  #logKeys(shard: number): string[] {
    return [this.#layout.log(shard), this.#layout.generation(shard)]
  }
}

/** Redis takes whole milliseconds from 1 up as a life. */
function lifeText(ms: number): string {
  return String(Math.max(1, Math.ceil(ms)))
}
