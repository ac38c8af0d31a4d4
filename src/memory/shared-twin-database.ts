import {
  ENVELOPE_FORMAT,
  fillIdOf,
  HEADER_LENGTH,
  markEnvelopeSoft,
  STALE_MS_LENGTH,
  STALE_MS_OFFSET,
  stampEnvelope,
} from '../core/envelope.js'
import { expectedMsOfToken, FAILURE_MARK, failureOfLease } from '../core/lease-token.js'
import { bumpPayloadHead, completeBumpPayload } from '../core/log-entry.js'
import type { Random } from '../core/ports/random.js'
import type {
  Acquired,
  AcquireRequest,
  BumpReply,
  BumpRequest,
  CommitOutcome,
  FollowState,
  LogPosition,
  LogRow,
  Marker,
  NamespaceId,
  StoredKey,
  StoreRequest,
} from '../core/ports/shared-tier.js'
import { TwinControl } from './shared-twin-control.js'
import { ExpiringMap } from './shared-twin-expiring-map.js'
import { TwinLog } from './shared-twin-log.js'

export interface TwinDatabaseParts {
  /** The server's wall clock in milliseconds, with fractions. */
  readonly nowMs: () => number
  readonly random: Random
  readonly onRow: (shard: number, row: LogRow) => void
}

/**
 * What the shared server keeps for one cache name. Each method is atomic and does what one command or one script of
 * `redis/scripts` does.
 */
export class TwinDatabase {
  readonly data: ExpiringMap<string>
  readonly leases: ExpiringMap<string>
  readonly markers: ExpiringMap<string>
  readonly controls: ExpiringMap<TwinControl>
  readonly logs: (TwinLog | undefined)[]
  readonly #parts: TwinDatabaseParts

  /** `from`: what a copy begins with. */
  constructor(parts: TwinDatabaseParts, from?: TwinDatabase) {
    this.#parts = parts
    this.data = from?.data.copy() ?? new ExpiringMap(parts.nowMs)
    this.leases = from?.leases.copy() ?? new ExpiringMap(parts.nowMs)
    this.markers = from?.markers.copy() ?? new ExpiringMap(parts.nowMs)
    this.controls = from?.controls.copy((control) => control.copy()) ?? new ExpiringMap(parts.nowMs)
    this.logs = from?.logs.map((log) => log?.copy()) ?? []
  }

  /** Everything as it is now; what happens to one afterwards does not show in the other. */
  copy(): TwinDatabase {
    return new TwinDatabase(this.#parts, this)
  }

  acquire({ key, token, leaseMs, deadId, takes }: AcquireRequest): Acquired {
    const envelope = takes ? undefined : this.data.get(key)
    if (envelope !== undefined && isEnvelope(envelope) && fillIdOf(envelope) !== deadId) {
      return { state: 'entry', envelope }
    }
    const holder = takes ? undefined : this.leases.get(key)
    if (holder !== undefined && holder !== token && failureOfLease(holder) === undefined) {
      return { state: 'follower', remainingMs: this.leases.remainingMs(key), expectedMs: expectedMsOfToken(holder) }
    }
    this.leases.set(key, token, leaseMs)
    return { state: 'leader', marker: this.markers.get(key) }
  }

  commit(token: string, request: StoreRequest): CommitOutcome {
    if (!this.release(request.key, token)) return 'fenced'
    if (this.#isSuperseded(request)) return 'superseded'
    this.#store(request)
    return 'stored'
  }

  renew(key: StoredKey, token: string, leaseMs: number): boolean {
    if (this.leases.get(key) !== token) return false
    this.leases.expireIn(key, leaseMs)
    return true
  }

  release(key: StoredKey, token: string): boolean {
    return this.leases.get(key) === token && this.leases.delete(key)
  }

  fail(key: StoredKey, token: string, { code, keepMs }: { code: string; keepMs: number }): void {
    if (this.leases.get(key) === token) this.leases.set(key, FAILURE_MARK + code, keepMs)
  }

  follow(key: StoredKey): FollowState {
    const lease = this.leases.get(key)
    const failure = failureOfLease(lease)
    return { envelope: this.data.get(key), leased: lease !== undefined && failure === undefined, failure }
  }

  mark(key: StoredKey, { version, keepMs }: Marker): void {
    const known = this.markers.get(key) ?? '0'
    const life = Math.max(keepMs, this.markers.remainingMs(key))
    this.markers.set(key, BigInt(version) > BigInt(known) ? version : known, life)
  }

  /** True if data was there. */
  unlink(key: StoredKey): boolean {
    this.leases.delete(key)
    return this.data.delete(key)
  }

  soften(key: StoredKey): boolean {
    const envelope = this.data.get(key)
    const staleMs = envelope !== undefined && isEnvelope(envelope) ? staleMsOf(envelope) : 0
    if (envelope === undefined || !(staleMs > 0)) return this.unlink(key)
    this.leases.delete(key)
    this.data.replace(key, markEnvelopeSoft(envelope, this.#parts.nowMs()))
    this.data.expireIn(key, Math.min(staleMs, this.data.remainingMs(key)))
    return true
  }

  append(shard: number, payload: string, maxRows: number): LogPosition {
    const log = this.log(shard)
    const row = log.append(payload, maxRows)
    this.#parts.onRow(shard, row)
    return { shard, generation: log.generation, id: row.id }
  }

  /** The control block, made if it is missing, its life renewed. */
  open(
    shard: number,
    namespace: NamespaceId,
    { horizonMs, maxRows }: { horizonMs: number; maxRows: number },
  ): TwinControl {
    const known = this.controls.get(namespace)
    const control = known ?? new TwinControl(this.#parts.random.shortId(), this.#nowUs())
    control.announce(horizonMs)
    const { neededLifeMs } = control
    if (this.controls.remainingMs(namespace) < neededLifeMs) this.controls.set(namespace, control, 2 * neededLifeMs)
    if (known === undefined) {
      const head = bumpPayloadHead({ namespace, tags: [], clear: true, soft: false, origin: '' })
      this.append(shard, completeBumpPayload(head, control.epoch, control.clock), maxRows)
    }
    return control
  }

  bump(shard: number, request: BumpRequest, maxRows: number): BumpReply {
    const control = this.open(shard, request.namespace, { horizonMs: request.horizonMs, maxRows })
    const clock = control.bump(request, this.#nowUs(), () => this.#parts.random.next())
    const payload = completeBumpPayload(bumpPayloadHead(request), control.epoch, clock)
    return { epoch: control.epoch, clock, position: this.append(shard, payload, maxRows) }
  }

  endEpoch(namespace: NamespaceId, epoch: string): boolean {
    return this.controls.get(namespace)?.epoch === epoch && this.controls.delete(namespace)
  }

  log(shard: number): TwinLog {
    const known = this.logs[shard]
    if (known) return known
    const made = new TwinLog(this.#parts.random.shortId(), this.#parts.nowMs)
    this.logs[shard] = made
    return made
  }

  #store({ key, envelope, keepMs }: StoreRequest): void {
    this.data.set(key, stampEnvelope(envelope, this.#parts.nowMs()), keepMs)
  }

  #isSuperseded({ key, version }: StoreRequest): boolean {
    const marker = this.markers.get(key)
    return version !== undefined && marker !== undefined && BigInt(version) < BigInt(marker)
  }

  #nowUs(): number {
    return Math.floor(this.#parts.nowMs() * 1000)
  }
}

function isEnvelope(text: string): boolean {
  return text.length >= HEADER_LENGTH && text[0] === ENVELOPE_FORMAT
}

function staleMsOf(envelope: string): number {
  return Number.parseInt(envelope.slice(STALE_MS_OFFSET, STALE_MS_OFFSET + STALE_MS_LENGTH), 16)
}
