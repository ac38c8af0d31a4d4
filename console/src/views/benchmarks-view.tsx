import { useSignal } from '@preact/signals'
import recorded from '../../../bench/baseline.json'
import manifest from '../../../package.json'
import { post } from '../state/api.ts'
import { change } from '../state/change.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { Filter } from '../ui/filter.tsx'
import { count, duration, milliseconds } from '../ui/format.ts'
import { Bar, Panel } from '../ui/panel.tsx'
import type { ViewProps } from '../views.ts'

/** Two programs in one run: what one does in the time of the other. */
interface Ratio {
  readonly scenario: string
  readonly group: string
  readonly contender: string
  readonly rival: string
  readonly q1: number
  readonly median: number
  readonly q3: number
}

interface Measured {
  readonly asked: number
  readonly tookMs: number
  readonly tiers: readonly MeasuredTier[]
}

interface MeasuredTier {
  readonly tier: string
  readonly answered: number
  readonly failed: number
  readonly p50Ms?: number
  readonly p95Ms?: number
  readonly p99Ms?: number
  readonly maxMs?: number
}

export function BenchmarksView({ cache, canChange }: ViewProps) {
  const filter = useSignal('')
  const measured = useSignal<Measured | undefined>(undefined)
  return (
    <div class="stack">
      <Panel
        title="From this process"
        note={
          <ChangeButton canChange={canChange} ask={() => askMeasure(cache.name, (result) => (measured.value = result))}>
            measure …
          </ChangeButton>
        }
      >
        {measured.value === undefined ? (
          <p class="empty">
            How long the way to each tier outside this process is, measured now, in this very service.
          </p>
        ) : (
          <>
            <DataTable
              name="Measured"
              rows={measured.value.tiers}
              columns={MEASURED}
              keyOf={({ tier }) => tier}
              empty="everything this cache holds is in this process"
            />
            <p class="quiet">
              {count(measured.value.asked)} pings, one after the other, in {duration(measured.value.tookMs)}
            </p>
          </>
        )}
      </Panel>
      <div class="tools">
        <Filter text={filter} what="a scenario, a cache" />
      </div>
      <Panel
        title="Beside other caches"
        note={`recorded for freshtier ${manifest.version} in its repository, not here; again: npm run bench -- hit`}
      >
        <DataTable
          name="Recorded"
          rows={RATIOS}
          columns={RECORDED}
          keyOf={(row) => Object.values(row).slice(0, 4).join(' ')}
          filter={filter}
        />
      </Panel>
    </div>
  )
}

function askMeasure(cache: string, tell: (measured: Measured) => void): void {
  change.value = {
    title: 'Measure round trips',
    explains: [
      'Pings each tier outside the process, one after the other, for five seconds at most. No key is touched.',
    ],
    fields: [{ name: 'pings', label: 'pings', value: '200', hint: '1 to 1000' }],
    verb: 'Measure',
    async run({ pings }) {
      const result = await post<Measured>('measure', { cache, pings: Number(pings) })
      tell(result)
      return [`Measured: ${count(result.asked)} pings in ${duration(result.tookMs)}.`]
    },
  }
}

const timed = (title: string, pick: (row: MeasuredTier) => number | undefined): Column<MeasuredTier> => ({
  title,
  value: pick,
  cell: (row) => milliseconds(pick(row)),
})

const MEASURED: readonly Column<MeasuredTier>[] = [
  { title: 'tier', isText: true, value: ({ tier }) => tier },
  timed('median, ms', ({ p50Ms }) => p50Ms),
  timed('p95, ms', ({ p95Ms }) => p95Ms),
  timed('p99, ms', ({ p99Ms }) => p99Ms),
  timed('longest, ms', ({ maxMs }) => maxMs),
  { title: 'answered', value: ({ answered }) => answered },
  { title: 'failed', value: ({ failed }) => failed },
]

const RATIOS: readonly Ratio[] = Object.entries(recorded).flatMap(([scenario, groups]) =>
  Object.entries(groups as Groups).flatMap(([group, contenders]) =>
    Object.entries(contenders).flatMap(([contender, { ratios }]) =>
      Object.entries(ratios).map(([rival, quartiles]) => ({ scenario, group, contender, rival, ...quartiles })),
    ),
  ),
)

type Groups = Record<string, Record<string, { ratios: Record<string, Pick<Ratio, 'q1' | 'median' | 'q3'>> }>>

const FASTEST = Math.max(...RATIOS.map(({ median }) => median))

const RECORDED: readonly Column<Ratio>[] = [
  { title: 'scenario', isText: true, value: ({ scenario }) => scenario },
  { title: 'case', isText: true, value: ({ group }) => group },
  { title: 'cache', isText: true, value: ({ contender }) => contender },
  { title: 'compared with', isText: true, value: ({ rival }) => rival },
  {
    title: 'times as fast',
    value: ({ median }) => median,
    cell: ({ median }) => (
      <span class="with-bar">
        {median.toFixed(2)} ×
        <Bar share={median / FASTEST} tone={median >= 1 ? 'good' : 'look'} />
      </span>
    ),
    hint: 'Median of the rounds. Above 1: quicker than what it is compared with',
  },
  { title: 'quartiles', isText: true, value: ({ q1, q3 }) => `${q1.toFixed(2)} to ${q3.toFixed(2)}` },
]
