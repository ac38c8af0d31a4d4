import { useSignal } from '@preact/signals'
import type { TenantUsage } from '../../../src/core/ports/local-tier.ts'
import type { TenantCounts } from '../../../src/observe/console/tenant-tally.ts'
import { askInvalidate, askPurge } from '../state/changes.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { Filter } from '../ui/filter.tsx'
import { bytes, count, duration, milliseconds, percent, rate, tenantText } from '../ui/format.ts'
import { Bar, Panel } from '../ui/panel.tsx'
import { Toned } from '../ui/tone.tsx'
import { place, type ViewProps } from '../views.ts'

export function TenantsView({ cache, canChange }: ViewProps) {
  const filter = useSignal('')
  const { tenants, stats, name } = cache
  const [noisiest] = tenants.top
  const held = stats.tiers.memory?.tenants
  return (
    <div class="stack">
      <div class="tools">
        <Filter text={filter} what="a tenant" />
        {noisiest && (
          <p>
            noisiest: <a href={tenantHref(noisiest.tenant)}>{tenantText(noisiest.tenant)}</a>,{' '}
            {count(noisiest.requests)} requests
          </p>
        )}
        <span class="spacer" />
        <ChangeButton canChange={canChange} ask={() => askPurge(name, place.value.chosen)}>
          purge …
        </ChangeButton>
      </div>
      <Panel
        title="Tenants that ask most"
        note={`${count(tenants.top.length)} of ${count(Math.max(0, stats.tenants - 1))}, counted for ${duration(tenants.countedMs)} while the console was open${
          tenants.blurredBy > 0 ? `, none off by more than ${count(tenants.blurredBy)}` : ''
        }`}
      >
        <DataTable
          name="Tenants"
          rows={tenants.top}
          columns={columnsOf(tenants.top, tenants.countedMs, (row) => (
            <>
              <ChangeButton canChange={canChange} ask={() => askInvalidate(name, { tenant: row.tenant })}>
                invalidate …
              </ChangeButton>{' '}
              <ChangeButton canChange={canChange} ask={() => askPurge(name, row.tenant)}>
                purge …
              </ChangeButton>
            </>
          ))}
          keyOf={({ tenant }) => tenant}
          sort={{ column: 'requests', isDescending: true }}
          filter={filter}
          chosen={place.value.chosen}
          empty="nobody has asked since the console was opened"
        />
      </Panel>
      {held && (
        <Panel title="Tenants that hold most memory" note="at most ten, where memory has quotas">
          <DataTable
            name="Held"
            rows={held}
            columns={HELD}
            keyOf={({ tenant }) => tenant}
            sort={{ column: 'size', isDescending: true }}
            filter={filter}
          />
        </Panel>
      )}
    </div>
  )
}

function tenantHref(tenant: string): string {
  return `#/tenants/${encodeURIComponent(tenant)}`
}

function columnsOf(
  rows: readonly TenantCounts[],
  countedMs: number,
  actions: (row: TenantCounts) => preact.ComponentChildren,
): Column<TenantCounts>[] {
  const total = Math.max(
    1,
    rows.reduce((sum, { requests }) => sum + requests, 0),
  )
  const most = Math.max(1, ...rows.map(({ requests }) => requests))
  const counted = (title: string, pick: (row: TenantCounts) => number): Column<TenantCounts> => ({
    title,
    value: pick,
    cell: (row) => count(pick(row)),
  })
  const ratio = ({ requests, hits, staleHits }: TenantCounts) =>
    requests > 0 ? (hits + staleHits) / requests : undefined
  return [
    {
      title: 'tenant',
      isText: true,
      value: ({ tenant }) => tenantText(tenant),
      cell: ({ tenant }) => <a href={tenantHref(tenant)}>{tenantText(tenant)}</a>,
    },
    {
      title: 'requests',
      value: ({ requests }) => requests,
      cell: ({ requests }) => (
        <span class="with-bar">
          {count(requests)}
          <Bar share={requests / most} />
        </span>
      ),
    },
    {
      title: 'req/s',
      value: ({ requests }) => requests,
      cell: ({ requests }) => rate(countedMs > 0 ? (1_000 * requests) / countedMs : undefined),
    },
    { title: 'share', value: ({ requests }) => requests, cell: ({ requests }) => percent(requests / total) },
    { title: 'hit ratio', value: ratio, cell: (row) => percent(ratio(row)) },
    counted('fills', ({ fills }) => fills),
    {
      title: 'fill time, ms',
      value: ({ fillTotalMs }) => fillTotalMs,
      cell: ({ fillTotalMs }) => milliseconds(fillTotalMs),
      hint: 'How long fills for this tenant took, all together',
    },
    {
      title: 'failed',
      value: ({ fillErrors }) => fillErrors,
      cell: ({ fillErrors }) => (fillErrors === 0 ? '0' : <Toned tone="look">{count(fillErrors)}</Toned>),
    },
    counted('invalidations', ({ invalidations }) => invalidations),
    { title: 'change', isText: true, value: () => '', cell: actions },
  ]
}

const HELD: readonly Column<TenantUsage>[] = [
  { title: 'tenant', isText: true, value: ({ tenant }) => tenantText(tenant) },
  { title: 'size', value: ({ bytes: size }) => size, cell: ({ bytes: size }) => bytes(size) },
  { title: 'entries', value: ({ entries }) => entries, cell: ({ entries }) => count(entries) },
  { title: 'evicted', value: ({ evicted }) => evicted, cell: ({ evicted }) => count(evicted) },
  {
    title: 'quota',
    isText: true,
    value: ({ isOverQuota }) => (isOverQuota ? 'over' : 'within'),
    cell: ({ isOverQuota }) => (isOverQuota ? <Toned tone="look">over: gives way first</Toned> : 'within'),
  },
]
