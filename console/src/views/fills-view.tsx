import { recentOf } from '../state/figures.ts'
import type { LiveEvent } from '../state/store.ts'
import type { Column } from '../ui/data-table.tsx'
import { count, duration, milliseconds, rate, tenantText } from '../ui/format.ts'
import { LiveLog } from '../ui/live-log.tsx'
import { Figure } from '../ui/panel.tsx'
import { type Tone, Toned } from '../ui/tone.tsx'
import type { ViewProps } from '../views.ts'

export function FillsView({ cache }: ViewProps) {
  const { stats } = cache
  const recent = recentOf(cache)
  const failures = stats.fillErrors > 0 ? <Toned tone="look">{count(stats.fillErrors)} failed</Toned> : 'none failed'
  return (
    <div class="stack">
      <section class="figures" aria-label="Figures">
        <Figure label="under way" value={count(stats.flights)}>
          reads, fills and stores, now
        </Figure>
        <Figure label="fills a second" value={rate(recent.fillsPerSecond)}>
          {count(stats.fills)} since the start, {failures}
        </Figure>
        <Figure label="joined" value={count(stats.joined)}>
          callers that shared a fill here
        </Figure>
        <Figure label="followed" value={count(stats.followed)}>
          fills that another process did for this one
        </Figure>
        <Figure label="fenced" value={count(stats.fenced)}>
          came after an invalidation, not stored
        </Figure>
        <Figure label="not kept" value={count(stats.notStored)}>
          undefined, no ttl, invalidated, too large
        </Figure>
      </section>
      <LiveLog
        title="Fills and leases"
        group="fills"
        columns={COLUMNS}
        what="policy, tenant, key, what"
        empty="no fill since the console was opened"
      />
    </div>
  )
}

/** What each event is called here, and how it stands. */
const KINDS: Readonly<Record<string, readonly [tone: Tone, text: string]>> = {
  filled: ['good', 'filled'],
  'fill-failed': ['broken', 'fill failed'],
  miss: ['quiet', 'miss'],
  joined: ['quiet', 'joined'],
  followed: ['quiet', 'followed'],
  hedged: ['look', 'hedged'],
  stale: ['quiet', 'served stale'],
  fenced: ['look', 'fenced'],
  'lease-lost': ['look', 'lease lost'],
  'not-stored': ['look', 'not stored'],
}

/** Why a value was served that was no longer fresh. */
const STALE: Readonly<Record<string, string>> = {
  revalidate: 'while it is filled anew',
  error: 'because the fill failed',
  slow: 'because the fill takes long',
}

const COLUMNS: readonly Column<LiveEvent>[] = [
  {
    title: 'what',
    isText: true,
    value: ({ type }) => KINDS[type]![1],
    cell: ({ type }) => <Toned tone={KINDS[type]![0]}>{KINDS[type]![1]}</Toned>,
  },
  { title: 'policy', isText: true, value: ({ policy }) => String(policy) },
  { title: 'tenant', isText: true, value: ({ tenant }) => tenantText(tenant) },
  {
    title: 'key',
    isText: true,
    value: ({ key }) => String(key),
    cell: (event) => <a href={entryHref(event)}>{String(event.key)}</a>,
  },
  { title: 'took, ms', value: tookMs, cell: (event) => milliseconds(tookMs(event)) },
  { title: 'and', isText: true, value: detail },
]

function tookMs({ durationMs, waitedMs }: LiveEvent): number | undefined {
  return (durationMs ?? waitedMs) as number | undefined
}

function detail({ type, cause, outcome, stored, negative, error, tier, waitedMs }: LiveEvent): string {
  if (type === 'filled')
    return [stored ? 'stored' : 'not stored', negative ? 'a cached nothing' : ''].filter(Boolean).join(', ')
  if (type === 'followed') return `${outcome} after ${duration(waitedMs as number)}`
  if (type === 'stale') return `by ${tier}, ${STALE[String(cause)]}`
  return String(error ?? cause ?? '')
}

/** Where the key is looked up. */
function entryHref({ policy, tenant, key }: LiveEvent): string {
  const query = new URLSearchParams({ policy: String(policy), tenant: String(tenant), key: String(key) })
  if (typeof key === 'number') query.set('type', 'number')
  return `#/entry/${encodeURIComponent(query.toString())}`
}
