import { useSignal } from '@preact/signals'
import type { CacheSnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { askInvalidate } from '../state/changes.ts'
import { hitRatioOf, meanFillMs, recentOfPolicy } from '../state/figures.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { Filter } from '../ui/filter.tsx'
import { count, milliseconds, percent, rate } from '../ui/format.ts'
import { Bar, Panel } from '../ui/panel.tsx'
import { Rules } from '../ui/rules.tsx'
import { Toned } from '../ui/tone.tsx'
import { place, type ViewProps } from '../views.ts'

export function PoliciesView({ cache, canChange }: ViewProps) {
  const filter = useSignal('')
  const { chosen } = place.value
  const rows = rowsOf(cache)
  const slowest = rows.reduce<Row | undefined>(
    (worst, row) => ((row.mean ?? -1) > (worst?.mean ?? 0) ? row : worst),
    undefined,
  )
  const policy = cache.policies.filter(({ name }) => name === chosen)
  return (
    <div class="stack">
      <div class="tools">
        <Filter text={filter} what="a policy" />
        {slowest && (
          <p>
            slowest: <a href={`#/policies/${encodeURIComponent(slowest.name)}`}>{slowest.name}</a>,{' '}
            {milliseconds(slowest.mean)} ms a fill
          </p>
        )}
      </div>
      <Panel title="Policies" note="counts since the start; rates of the last minute">
        <DataTable
          name="Policies"
          rows={rows}
          columns={columnsOf(rows, slowest?.name)}
          keyOf={({ name }) => name}
          sort={{ column: 'mean fill, ms', isDescending: true }}
          filter={filter}
          chosen={chosen}
          empty="the cache has met no policy yet"
        />
      </Panel>
      {policy.map(({ name, version, rules }) => (
        <Panel
          key={`${name}@${version}`}
          title={`${name}, version ${version}`}
          note={
            <ChangeButton canChange={canChange} ask={() => askInvalidate(cache.name, { policy: name })}>
              invalidate an entry …
            </ChangeButton>
          }
        >
          <Rules rules={rules} />
        </Panel>
      ))}
    </div>
  )
}

type Row = ReturnType<typeof rowsOf>[number]

function rowsOf(cache: CacheSnapshot) {
  return Object.entries(cache.stats.policies).map(([name, stats]) => ({
    name,
    stats,
    mean: meanFillMs(stats),
    longest: stats.fillMs.count === 0 ? undefined : stats.fillMs.maxMs,
    ratio: hitRatioOf(stats),
    recent: recentOfPolicy(cache, name),
  }))
}

function columnsOf(rows: readonly Row[], slowest: string | undefined): Column<Row>[] {
  const highest = Math.max(1e-9, ...rows.map(({ mean }) => mean ?? 0))
  const counted = (title: string, pick: (row: Row) => number, hint?: string): Column<Row> => ({
    title,
    value: pick,
    cell: (row) => count(pick(row)),
    ...(hint !== undefined && { hint }),
  })
  return [
    {
      title: 'policy',
      isText: true,
      value: ({ name }) => name,
      cell: ({ name }) => <a href={`#/policies/${encodeURIComponent(name)}`}>{name}</a>,
    },
    {
      title: 'mean fill, ms',
      value: ({ mean }) => mean,
      cell: ({ name, mean }) => (
        <span class="with-bar">
          {name === slowest ? <Toned tone="look">{milliseconds(mean)}</Toned> : milliseconds(mean)}
          <Bar share={(mean ?? 0) / highest} tone={name === slowest ? 'look' : 'plain'} />
        </span>
      ),
    },
    {
      title: 'longest, ms',
      value: ({ longest }) => longest,
      cell: ({ longest }) => milliseconds(longest),
      hint: 'The longest fill',
    },
    {
      title: 'req/s',
      value: ({ recent }) => recent.requestsPerSecond,
      cell: ({ recent }) => rate(recent.requestsPerSecond),
    },
    counted('requests', ({ stats }) => stats.requests),
    {
      title: 'hit ratio',
      value: ({ ratio }) => ratio,
      cell: ({ ratio }) => (
        <span class="with-bar">
          {percent(ratio)}
          <Bar share={ratio ?? 0} tone="good" />
        </span>
      ),
    },
    counted('stale', ({ stats }) => stats.staleHits, 'Answered with a value that was no longer fresh'),
    counted('fills', ({ stats }) => stats.fills),
    {
      title: 'failed',
      value: ({ stats }) => stats.fillErrors,
      cell: ({ stats }) => (stats.fillErrors === 0 ? '0' : <Toned tone="look">{count(stats.fillErrors)}</Toned>),
    },
    counted('joined', ({ stats }) => stats.joined, "Callers that waited for somebody else's fill in this process"),
    counted('followed', ({ stats }) => stats.followed, 'Fills that another process did for this one'),
    counted('fenced', ({ stats }) => stats.fenced, 'Fills that came after an invalidation, and were not stored'),
  ]
}
