import { useMemo } from 'preact/hooks'
import { meanFillMs, recentOf, recentOfPolicy } from '../state/figures.ts'
import { findingsOf } from '../state/findings.ts'
import { ratesOf } from '../state/rates.ts'
import { historyOf } from '../state/store.ts'
import { Chart } from '../ui/chart.tsx'
import { DataTable } from '../ui/data-table.tsx'
import { count, duration, milliseconds, percent, rate, short, tenantText } from '../ui/format.ts'
import { Figure, Panel } from '../ui/panel.tsx'
import { Toned } from '../ui/tone.tsx'
import type { ViewProps } from '../views.ts'

const SHOWN = 8

export function OverviewView({ cache }: ViewProps) {
  return (
    <div class="overview">
      <Figures cache={cache} />
      <Charts name={cache.name} />
      <Findings cache={cache} />
      <SlowestPolicies cache={cache} />
      <NoisiestTenants cache={cache} />
    </div>
  )
}

type Shown = Pick<ViewProps, 'cache'>

function Figures({ cache }: Shown) {
  const { stats } = cache
  const recent = recentOf(cache)
  const { staleness } = stats
  return (
    <section class="figures" aria-label="Figures">
      <Figure label="hit ratio" value={percent(recent.hitRatio)}>
        last minute; all {percent(stats.requests === 0 ? undefined : stats.hitRatio)}
      </Figure>
      <Figure label="requests a second" value={rate(recent.requestsPerSecond)}>
        {count(stats.requests)} in all
      </Figure>
      <Figure label="fills a second" value={rate(recent.fillsPerSecond)}>
        {recent.fillErrors > 0 ? (
          <Toned tone="look">{count(recent.fillErrors)} failed lately</Toned>
        ) : (
          <Toned tone="good">none failed lately</Toned>
        )}
      </Figure>
      <Figure label="a fill takes, ms" value={milliseconds(recent.meanFillMs)}>
        mean; all {milliseconds(meanFillMs(stats))}
      </Figure>
      <Figure label="invalidations" value={count(stats.invalidations)}>
        in all, {count(stats.queuedInvalidations)} waiting
      </Figure>
      <Figure label="staleness bound" value={duration(staleness.maxStalenessMs)}>
        {staleness.syncedMsAgo === undefined
          ? 'nothing is shared'
          : staleness.isCurrent
            ? `log followed ${duration(staleness.syncedMsAgo)} ago`
            : 'log out of reach'}
      </Figure>
    </section>
  )
}

function Charts({ name }: { name: string }) {
  const points = historyOf(name)
  const { times, hitRatio, fills, fillErrors, fillMs } = useMemo(() => ratesOf(points), [points])
  return (
    <section class="charts" aria-label="The last ten minutes">
      <Chart
        title="Hit ratio"
        times={times}
        series={[{ label: 'answered', colour: '--good', values: hitRatio }]}
        format={(share) => `${(100 * share).toFixed(0)} %`}
        top={1}
      />
      <Chart
        title="Fills/s"
        times={times}
        series={[
          { label: 'filled', colour: '--line-blue', values: fills },
          { label: 'failed', colour: '--broken', values: fillErrors },
        ]}
        format={short}
      />
      <Chart
        title="Mean fill, ms"
        times={times}
        series={[{ label: 'latency', colour: '--look', values: fillMs }]}
        format={short}
      />
    </section>
  )
}

function Findings({ cache }: Shown) {
  const found = findingsOf(cache)
  return (
    <Panel title="What wants somebody" class="findings">
      {found.length === 0 ? (
        <Toned tone="good">NOTHING NEEDS ANYONE</Toned>
      ) : (
        <ul>
          {found.map(({ tone, says, view }) => (
            <li key={says}>
              <a href={`#/${view}`}>
                <Toned tone={tone}>{says}</Toned>
              </a>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  )
}

function SlowestPolicies({ cache }: Shown) {
  const rows = Object.entries(cache.stats.policies)
    .map(([name, stats]) => ({ name, mean: meanFillMs(stats), recent: recentOfPolicy(cache, name), stats }))
    .filter(({ mean }) => mean !== undefined)
    .sort((a, b) => b.mean! - a.mean!)
  return (
    <Panel
      title="Slowest policies"
      note={<a href="#/policies">all {count(Object.keys(cache.stats.policies).length)}</a>}
    >
      <DataTable
        name="Slowest policies"
        rows={rows.slice(0, SHOWN)}
        keyOf={({ name }) => name}
        empty="no fill yet"
        columns={[
          {
            title: 'policy',
            isText: true,
            value: ({ name }) => name,
            cell: ({ name }) => <a href={`#/policies/${encodeURIComponent(name)}`}>{name}</a>,
          },
          { title: 'mean fill, ms', value: ({ mean }) => mean, cell: ({ mean }) => milliseconds(mean) },
          {
            title: 'fills/s',
            value: ({ recent }) => recent.fillsPerSecond,
            cell: ({ recent }) => rate(recent.fillsPerSecond),
          },
          {
            title: 'hit ratio',
            value: ({ recent }) => recent.hitRatio,
            cell: ({ recent }) => percent(recent.hitRatio),
          },
        ]}
      />
    </Panel>
  )
}

function NoisiestTenants({ cache: { tenants, stats } }: Shown) {
  const total = tenants.top.reduce((sum, { requests }) => sum + requests, 0)
  return (
    <Panel title="Noisiest tenants" note={<a href="#/tenants">all {count(Math.max(0, stats.tenants - 1))}</a>}>
      <DataTable
        name="Noisiest tenants"
        rows={tenants.top.slice(0, SHOWN)}
        keyOf={({ tenant }) => tenant}
        empty="nobody has asked since the console was opened"
        columns={[
          {
            title: 'tenant',
            isText: true,
            value: ({ tenant }) => tenant,
            cell: ({ tenant }) => <a href={`#/tenants/${encodeURIComponent(tenant)}`}>{tenantText(tenant)}</a>,
          },
          { title: 'requests', value: ({ requests }) => requests, cell: ({ requests }) => count(requests) },
          {
            title: 'share',
            value: ({ requests }) => requests,
            cell: ({ requests }) => percent(total > 0 ? requests / total : undefined),
          },
          { title: 'fills', value: ({ fills }) => fills, cell: ({ fills }) => count(fills) },
        ]}
      />
    </Panel>
  )
}
