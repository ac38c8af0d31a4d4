import { useMemo } from 'preact/hooks'
import { askInvalidate } from '../state/changes.ts'
import { ratesOf } from '../state/rates.ts'
import { historyOf, type LiveEvent } from '../state/store.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { Chart } from '../ui/chart.tsx'
import type { Column } from '../ui/data-table.tsx'
import { count, duration, short, sourceText, tenantText } from '../ui/format.ts'
import { LiveLog } from '../ui/live-log.tsx'
import { Figure } from '../ui/panel.tsx'
import { type Tone, Toned } from '../ui/tone.tsx'
import type { ViewProps } from '../views.ts'

export function InvalidationsView({ cache, canChange }: ViewProps) {
  const { invalidations, queuedInvalidations, staleness, fenced } = cache.stats
  return (
    <div class="stack">
      <section class="figures" aria-label="Figures">
        <Figure label="by this process" value={count(invalidations)}>
          calls since the start
        </Figure>
        <Figure label="waiting" value={count(queuedInvalidations)}>
          {queuedInvalidations > 0 ? <Toned tone="look">not yet acknowledged</Toned> : 'all were acknowledged'}
        </Figure>
        <Figure
          label="log followed"
          value={staleness.syncedMsAgo === undefined ? '–' : duration(staleness.syncedMsAgo)}
        >
          {staleness.syncedMsAgo === undefined ? 'nothing is shared' : 'ago'}; bound{' '}
          {duration(staleness.maxStalenessMs)}
        </Figure>
        <Figure label="fenced" value={count(fenced)}>
          fills that an invalidation overtook
        </Figure>
      </section>
      <CostChart name={cache.name} />
      <LiveLog
        title="Invalidations"
        group="invalidations"
        columns={COLUMNS}
        what="tenant, tag, from"
        empty="nothing was invalidated since the console was opened"
      >
        <ChangeButton canChange={canChange} ask={() => askInvalidate(cache.name)}>
          invalidate …
        </ChangeButton>
      </LiveLog>
    </div>
  )
}

/** What is invalidated is filled again: the one is the price of the other. */
function CostChart({ name }: { name: string }) {
  const points = historyOf(name)
  const { times, invalidations, fills } = useMemo(() => ratesOf(points), [points])
  return (
    <Chart
      title="What it costs, a second"
      times={times}
      series={[
        { label: 'invalidations', colour: '--look', values: invalidations },
        { label: 'fills', colour: '--line-blue', values: fills },
      ]}
      format={short}
      height={120}
    />
  )
}

const KINDS: Readonly<Record<string, readonly [tone: Tone, text: string]>> = {
  invalidated: ['good', 'invalidated'],
  'invalidation-queued': ['look', 'waits'],
  'invalidation-delivered': ['good', 'delivered'],
  'publish-failed': ['broken', 'not told'],
}

const COLUMNS: readonly Column<LiveEvent>[] = [
  {
    title: 'what',
    isText: true,
    value: ({ type }) => KINDS[type]![1],
    cell: ({ type }) => <Toned tone={KINDS[type]![0]}>{KINDS[type]![1]}</Toned>,
  },
  { title: 'by', isText: true, value: ({ source }) => sourceText(source) },
  { title: 'tenant', isText: true, value: ({ tenant }) => (tenant === undefined ? '' : tenantText(tenant)) },
  { title: 'tags', isText: true, value: ({ tags }) => ((tags as readonly string[]) ?? []).join(', ') },
  {
    title: 'keys',
    value: ({ entries }) => entries as number | undefined,
    cell: ({ entries }) => (entries ? count(entries as number) : ''),
  },
  { title: 'and', isText: true, value: detail },
]

function detail({ clear, soft, count: delivered, error, policy, key }: LiveEvent): string {
  const said = [
    clear ? 'everything of the tenant' : '',
    soft ? 'softly' : '',
    delivered === undefined ? '' : `${delivered} delivered`,
    key === undefined ? '' : `${policy} ${key}`,
    error === undefined ? '' : String(error),
  ]
  return said.filter(Boolean).join(', ')
}
