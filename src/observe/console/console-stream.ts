import { Readable } from 'node:stream'
import type { Cache } from '../../core/create-cache.js'
import { errorText } from '../../core/error-text.js'
import type { CacheEvent } from '../../core/events.js'
import type { CancelTimer, Clock } from '../../core/ports/clock.js'
import type { ConsoleReply } from './console-api.js'
import { refusal } from './console-replies.js'
import type { Snapshots } from './console-snapshot.js'
import type { TenantTally } from './tenant-tally.js'

const SNAPSHOT_EVERY_MS = 1_000
const MAX_STREAMS = 20
/** Events that a stream tells between two snapshots; more are counted. */
const MAX_EVENTS = 200
/** Some of them are kept for what is rare: a storm of misses or failures must not hide an invalidation. */
const MAX_COMMON_EVENTS = 150
const COMMON = new Set<CacheEvent['type']>(['stale', 'miss', 'joined', 'followed', 'filled', 'tier-failed'])

/** A client that leaves more unread gets no more until it reads. */
const MAX_UNREAD_BYTES = 128 * 1024

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-content-type-options': 'nosniff',
  'x-accel-buffering': 'no',
}

/** What a stream tells: all but hits, removals and single calls of a tier, of which there may be a million a second. */
export const STREAMED_EVENTS = [
  'stale',
  'miss',
  'joined',
  'followed',
  'hedged',
  'filled',
  'fill-failed',
  'fenced',
  'lease-lost',
  'not-stored',
  'invalidated',
  'invalidation-queued',
  'invalidation-delivered',
  'publish-failed',
  'memory-pressure',
  'breaker',
  'damaged',
  'tier-failed',
  'log-broken',
] as const satisfies CacheEvent['type'][]

/** Streams of server-sent events: `snapshot` once a second, `cache` for each event, `dropped` with a count. */
export class ConsoleStreams {
  readonly #caches: readonly Cache[]
  readonly #snapshots: Snapshots
  readonly #tallies: readonly TenantTally[]
  readonly #clock: Clock
  readonly #open = new Set<Readable>()
  #isClosed = false

  constructor(
    caches: readonly Cache[],
    { snapshots, tallies, clock }: { snapshots: Snapshots; tallies: readonly TenantTally[]; clock: Clock },
  ) {
    this.#caches = caches
    this.#snapshots = snapshots
    this.#tallies = tallies
    this.#clock = clock
  }

  open(): ConsoleReply {
    if (this.#isClosed) return refusal(503, 'CLOSED', 'The console is closing.')
    if (this.#open.size >= MAX_STREAMS) {
      return refusal(429, 'TOO_MANY_STREAMS', `At most ${MAX_STREAMS} pages can watch at once. Close one.`)
    }
    const stream = this.#begin()
    this.#open.add(stream)
    stream.once('close', () => this.#open.delete(stream))
    return { status: 200, headers: HEADERS, body: stream }
  }

  close(): void {
    this.#isClosed = true
    for (const stream of this.#open) stream.destroy()
  }

  #begin(): Readable {
    let isFull = false
    let told = 0
    let dropped = 0
    let cancel: CancelTimer = () => {}
    const stream = new Readable({
      highWaterMark: MAX_UNREAD_BYTES,
      read: () => {
        isFull = false
      },
      destroy: (_error, done) => {
        cancel()
        for (const end of ends) end()
        done(null)
      },
    })
    const send = (event: string, data: object): void => {
      isFull = !stream.push(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    }
    const tell = (cache: string) => (event: CacheEvent) => {
      if (isFull || told >= (COMMON.has(event.type) ? MAX_COMMON_EVENTS : MAX_EVENTS)) {
        dropped++
        return
      }
      told++
      send('cache', { at: this.#clock.wallNow(), cache, ...shown(event) })
    }
    const ends = this.#caches.flatMap((cache) => {
      const listener = tell(cache.stats().name)
      return STREAMED_EVENTS.map((type) => cache.on(type, listener))
    })
    for (const tally of this.#tallies) ends.push(tally.watch())
    const look = async (): Promise<void> => {
      const snapshot = await this.#snapshots.take()
      if (stream.destroyed) return
      // A client that does not read gets no more until it does.
      if (!isFull) {
        if (dropped > 0) send('dropped', { count: dropped })
        told = dropped = 0
        send('snapshot', snapshot)
      }
      cancel = this.#clock.setHousekeepingTimer(begin, SNAPSHOT_EVERY_MS)
    }
    const begin = (): void => void look().catch(() => stream.destroy())
    begin()
    return stream
  }
}

/** An event as text can say it: an error is its message, without secrets. */
function shown(event: CacheEvent): object {
  return 'error' in event ? { ...event, error: errorText(event.error) } : event
}
