import { batch, computed, signal } from '@preact/signals'
import type { CacheHistory, HistoryPoint } from '../../../src/observe/console/console-history.ts'
import type { CacheSnapshot, ConsoleSnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { get, type Refusal } from './api.ts'
import { type EventGroup, groupOf } from './event-groups.ts'
import { openStream } from './stream.ts'

/** One event of a cache, as the stream tells it. */
export interface LiveEvent {
  /** Tells two of them apart. */
  readonly id: number
  readonly at: number
  readonly cache: string
  readonly type: string
  readonly [field: string]: unknown
}

export type Connection =
  | { readonly state: 'connecting' | 'live' | 'lost' }
  | { readonly state: 'refused'; readonly refusal: Refusal }

/** How long a tier took to answer, once a second; null where it did not. */
export interface Ping {
  readonly at: number
  readonly ms: number | null
}

const MINUTE_MS = 60_000
const SHOWN_MS = 10 * MINUTE_MS
/** Of each group: a storm of misses or of failed commands must not sweep away what was invalidated. */
const MAX_EVENTS = 400
const FLUSH_MS = 200

export const connection = signal<Connection>({ state: 'connecting' })
export const isPaused = signal(false)
/** Frozen while paused, as is everything below. */
export const snapshot = signal<ConsoleSnapshot | undefined>(undefined)
export const events = signal<readonly LiveEvent[]>([])
/** Events that the service left out, because they were too many. */
export const dropped = signal(0)
/** What came while paused. */
export const waiting = signal(0)
export const chosenCache = signal<string | undefined>(undefined)

export const cache = computed<CacheSnapshot | undefined>(() => {
  const caches = snapshot.value?.caches ?? []
  return caches.find(({ name }) => name === chosenCache.value) ?? caches[0]
})
/** Of the chosen cache, newest first. */
const cacheEvents = computed(() => events.value.filter((event) => event.cache === cache.value?.name))

export function eventsOf(group: EventGroup): readonly LiveEvent[] {
  return cacheEvents.value.filter(({ type }) => groupOf(type) === group)
}

/** The last minute, oldest first: what rates are counted from. */
let minute: ConsoleSnapshot[] = []
const history = new Map<string, HistoryPoint[]>()
const pings = new Map<string, Ping[]>()
let pending: LiveEvent[] = []
let latest: ConsoleSnapshot | undefined
let lastId = 0
let flushTimer = 0
let close: (() => void) | undefined

/** Begins, or begins anew with another token. */
export function connect(): void {
  close?.()
  connection.value = { state: 'connecting' }
  close = openStream({
    event: heard,
    changed(state, refusal) {
      connection.value = state === 'refused' ? { state, refusal: refusal! } : { state }
      if (state === 'live') void readHistory()
    },
  })
}

export function setPaused(paused: boolean): void {
  isPaused.value = paused
  if (!paused) show()
}

export function clearEvents(): void {
  events.value = []
  dropped.value = 0
}

/** How a cache stood a minute ago, or at the oldest look since the page was opened. */
export function minuteAgo(name: string): { cache: CacheSnapshot | undefined; seconds: number } {
  const first = minute[0]
  const seconds = first && snapshot.value ? (snapshot.value.at - first.at) / 1_000 : 0
  return { cache: first?.caches.find((one) => one.name === name), seconds }
}

export function historyOf(name: string): readonly HistoryPoint[] {
  return history.get(name) ?? []
}

export function pingsOf(name: string, tier: string): readonly Ping[] {
  return pings.get(`${name} ${tier}`) ?? []
}

function heard(name: string, data: unknown): void {
  if (name === 'snapshot') {
    latest = data as ConsoleSnapshot
    if (!isPaused.value) show()
  } else if (name === 'cache') {
    lastId += 1
    pending.push({ ...(data as Omit<LiveEvent, 'id'>), id: lastId } as LiveEvent)
    if (pending.length > 6 * MAX_EVENTS) pending = newest(pending.reverse()).reverse()
    if (isPaused.value) waiting.value = pending.length
    else if (flushTimer === 0) flushTimer = window.setTimeout(flush, FLUSH_MS)
  } else if (name === 'dropped') {
    dropped.value += (data as { count: number }).count
  }
}

/** Takes over what has come. */
function show(): void {
  batch(() => {
    flush()
    if (latest === undefined || latest === snapshot.value) return
    remember(latest)
    snapshot.value = latest
  })
}

function flush(): void {
  clearTimeout(flushTimer)
  flushTimer = 0
  if (isPaused.value) return
  waiting.value = 0
  if (pending.length === 0) return
  events.value = newest([...pending.reverse(), ...events.value])
  pending = []
}

function newest(told: readonly LiveEvent[]): LiveEvent[] {
  const left: Record<EventGroup, number> = { fills: MAX_EVENTS, tiers: MAX_EVENTS, invalidations: MAX_EVENTS }
  return told.filter(({ type }) => left[groupOf(type)]-- > 0)
}

function remember(taken: ConsoleSnapshot): void {
  const isNewProcess = minute.at(-1)?.process.pid !== taken.process.pid
  // Another process counts from zero again: nothing of the old one can be subtracted from it.
  if (isNewProcess && minute.length > 0) {
    minute = []
    history.clear()
    pings.clear()
  }
  minute = [...minute.filter(({ at }) => at > taken.at - MINUTE_MS - 1_500), taken]
  for (const { name, stats, health } of taken.caches) {
    const { requests, hits, staleHits, fills, fillErrors, fillMs, invalidations } = stats
    const point = {
      at: taken.at,
      requests,
      hits,
      staleHits,
      fills,
      fillErrors,
      fillTotalMs: fillMs.totalMs,
      invalidations,
    }
    append(history, name, point, 1_900)
    for (const [tier, { status, latencyMs }] of Object.entries(health.tiers)) {
      append(pings, `${name} ${tier}`, { at: taken.at, ms: status === 'pass' ? latencyMs : null }, 0)
    }
  }
}

/** At least `apartMs` after the last one; what is older than the charts show is forgotten. */
function append<T extends { at: number }>(to: Map<string, T[]>, name: string, point: T, apartMs: number): void {
  const points = to.get(name) ?? []
  if (point.at - (points.at(-1)?.at ?? 0) < apartMs) return
  to.set(name, [...points.filter(({ at }) => at > point.at - SHOWN_MS), point])
}

/** What happened before the page was opened. */
async function readHistory(): Promise<void> {
  const answer = await get<{ caches: readonly CacheHistory[] }>('history').catch(() => ({ caches: [] }))
  for (const { name, points } of answer.caches) {
    const own = history.get(name) ?? []
    const lastAt = points.at(-1)?.at ?? 0
    history.set(name, [...points, ...own.filter(({ at }) => at > lastAt)])
  }
}
