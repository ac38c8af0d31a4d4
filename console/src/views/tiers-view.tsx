import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { DoctorFinding } from '../../../src/core/doctor.ts'
import type { TierStats } from '../../../src/core/stats.ts'
import type { TierHealth } from '../../../src/observe/cache-health.ts'
import type { CacheSnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { get, reasonOf } from '../state/api.ts'
import { askEviction } from '../state/changes.ts'
import { pingsOf } from '../state/store.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { Chart } from '../ui/chart.tsx'
import { bytes, count, duration, milliseconds, percent, short } from '../ui/format.ts'
import { Bar, Panel } from '../ui/panel.tsx'
import { TierLog } from '../ui/tier-log.tsx'
import { Toned } from '../ui/tone.tsx'
import type { ViewProps } from '../views.ts'

/** They answer from what this process knows: there is no round trip. */
const INSIDE = new Set(['memory', 'disk'])

export function TiersView({ cache, canChange }: ViewProps) {
  const { stats, health, name } = cache
  return (
    <div class="stack">
      <div class="tiers">
        {Object.entries(stats.tiers).map(([tier, counts]) => (
          <TierPanel key={tier} tier={tier} counts={counts} health={health.tiers[tier]} requests={stats.requests}>
            {counts.eviction && (
              <ChangeButton canChange={canChange} ask={() => askEviction(name, counts.eviction!)}>
                change the eviction …
              </ChangeButton>
            )}
          </TierPanel>
        ))}
        <BoundPanel cache={cache} />
      </div>
      {Object.keys(health.tiers).flatMap((tier) =>
        INSIDE.has(tier) ? [] : [<PingChart key={tier} name={name} tier={tier} />],
      )}
      <Doctor name={name} />
      <TierLog />
    </div>
  )
}

function TierPanel({
  tier,
  counts,
  health,
  requests,
  children,
}: {
  tier: string
  counts: TierStats
  health: TierHealth | undefined
  requests: number
  children: preact.ComponentChildren
}) {
  const facts: [what: string, value: preact.ComponentChildren][] = [
    ['hits', `${count(counts.hits)}, ${percent(requests > 0 ? counts.hits / requests : undefined)} of requests`],
    ['entries', counts.entries === undefined ? undefined : full(counts.entries, counts.maxEntries, count)],
    ['size', counts.bytes === undefined ? undefined : full(counts.bytes, counts.maxBytes, bytes)],
    ['eviction', counts.eviction],
    ['evicted', counted(counts.evicted)],
    ['expired', counted(counts.expired)],
    ['refused', counted(counts.refused)],
    ['damaged', troubled(counts.damaged)],
    ['failed commands', troubled(counts.errors)],
    ['breaker', counts.breakers && breakerText(counts.breakers)],
    ['memory pressure', counts.pressure && pressureText(counts.pressure)],
    ['fencing', counts.fencing === 'none' ? <Toned tone="broken">none: a late fill may be stored</Toned> : undefined],
  ]
  return (
    <Panel
      title={tier}
      note={<State health={health} />}
      class={health?.status === 'fail' ? 'is-broken' : ''}
      id={`tier-${tier}`}
    >
      {health?.message !== undefined && <p class="broken">{health.message}</p>}
      <dl class="facts">
        {facts.map(([what, value]) =>
          value === undefined ? null : (
            <div key={what}>
              <dt>{what}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {children}
    </Panel>
  )
}

function State({ health }: { health: TierHealth | undefined }) {
  if (health === undefined) return <Toned tone="quiet">in this process</Toned>
  if (health.status === 'fail') return <Toned tone="broken">DOWN</Toned>
  return <Toned tone="good">{health.latencyMs === 0 ? 'UP' : `UP, ${milliseconds(health.latencyMs)} ms`}</Toned>
}

function BoundPanel({ cache: { stats } }: { cache: CacheSnapshot }) {
  const { maxStalenessMs, syncedMsAgo, isCurrent, outageHits } = stats.staleness
  return (
    <Panel
      title="staleness bound"
      note={isCurrent ? <Toned tone="good">KEPT</Toned> : <Toned tone="look">MEMORY DOES NOT ANSWER</Toned>}
      class={isCurrent ? '' : 'is-look'}
    >
      <dl class="facts">
        <Fact what="bound">{duration(maxStalenessMs)}</Fact>
        <Fact what="log followed">
          {syncedMsAgo === undefined ? 'nothing is shared' : `${duration(syncedMsAgo)} ago`}
        </Fact>
        <Fact what="invalidations waiting">{count(stats.queuedInvalidations)}</Fact>
        <Fact what="reads beyond the bound">
          {outageHits === 0 ? '0' : <Toned tone="look">{count(outageHits)}</Toned>}
        </Fact>
      </dl>
    </Panel>
  )
}

function Fact({ what, children }: { what: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{what}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function PingChart({ name, tier }: { name: string; tier: string }) {
  const pings = pingsOf(name, tier)
  const times = useMemo(() => pings.map(({ at }) => at / 1_000), [pings])
  const series = useMemo(
    () => [{ label: 'answer', colour: '--line-blue' as const, values: pings.map(({ ms }) => ms) }],
    [pings],
  )
  return <Chart title={`Round trip to ${tier}, ms`} times={times} series={series} format={short} height={130} />
}

/** What the servers are like, and what that means: asked once, and again on request. */
function Doctor({ name }: { name: string }) {
  const found = useSignal<readonly DoctorFinding[] | undefined>(undefined)
  const failure = useSignal<string | undefined>(undefined)
  const examine = async (): Promise<void> => {
    found.value = failure.value = undefined
    try {
      const { caches } = await get<{ caches: { cache: string; findings: DoctorFinding[] }[] }>('doctor')
      found.value = caches.find(({ cache }) => cache === name)?.findings ?? []
    } catch (error) {
      failure.value = reasonOf(error)
    }
  }
  useEffect(() => void examine(), [name])
  return (
    <Panel
      title="Doctor"
      note={
        <button type="button" class="action" onClick={() => void examine()}>
          examine again
        </button>
      }
    >
      {failure.value && <Toned tone="broken">{failure.value}</Toned>}
      {found.value === undefined && !failure.value && <p class="quiet">examining …</p>}
      <ul class="doctor">
        {found.value?.map(({ topic, level, says, means }) => (
          <li key={`${topic} ${says}`}>
            <Toned tone={level}>{topic}</Toned>
            <span>{says}</span>
            <span class="quiet">{means}</span>
          </li>
        ))}
      </ul>
    </Panel>
  )
}

function full(
  held: number,
  most: number | null | undefined,
  text: (value: number) => string,
): preact.ComponentChildren {
  // Without bound is `null` in JSON.
  if (most === undefined || most === null) return text(held)
  const share = held / most
  return (
    <span class="with-bar">
      {text(held)} of {text(most)}
      <Bar share={share} />
    </span>
  )
}

function counted(value: number | undefined): string | undefined {
  return value === undefined ? undefined : count(value)
}

function troubled(value: number | undefined): preact.ComponentChildren {
  if (value === undefined || value === 0) return counted(value)
  return <Toned tone="look">{count(value)}</Toned>
}

/** An open breaker: the part is left alone until a probe gets through. */
function breakerText(breakers: NonNullable<TierStats['breakers']>): preact.ComponentChildren {
  const troubled = Object.entries(breakers).filter(([, state]) => state !== 'closed')
  if (troubled.length === 0) return 'closed'
  return <Toned tone="broken">{troubled.map(([part, state]) => `${part} ${state}`).join(', ')}</Toned>
}

function pressureText({ isShrunk, shrinks, maxBytes }: NonNullable<TierStats['pressure']>): preact.ComponentChildren {
  if (!isShrunk) return shrinks === 0 ? 'none' : `none now, ${count(shrinks)} steps so far`
  return <Toned tone="look">shrunk to {bytes(maxBytes)}</Toned>
}
