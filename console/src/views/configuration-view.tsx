import { useSignal } from '@preact/signals'
import type { PolicySnapshot } from '../../../src/observe/console/console-snapshot.ts'
import { askEviction } from '../state/changes.ts'
import { snapshot } from '../state/store.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { Filter } from '../ui/filter.tsx'
import { bytes, count, duration } from '../ui/format.ts'
import { Panel } from '../ui/panel.tsx'
import { ruleText } from '../ui/rules.tsx'
import type { ViewProps } from '../views.ts'

interface Setting {
  readonly name: string
  readonly value: string
  readonly where: string
  /** Asks for another value; without it this is set where the cache is made. */
  readonly ask?: () => void
}

export function ConfigurationView({ cache, canChange }: ViewProps) {
  const filter = useSignal('')
  return (
    <div class="stack">
      <div class="tools">
        <Filter text={filter} what="a setting, a policy" />
      </div>
      <Panel
        title="Cache"
        note="what stands without a button is set in the code, where the cache is made, and takes a new start"
      >
        <DataTable
          name="Settings"
          rows={settingsOf(cache)}
          keyOf={({ name }) => name}
          filter={filter}
          columns={[
            { title: 'setting', isText: true, value: ({ name }) => name },
            { title: 'value', isText: true, value: ({ value }) => value },
            { title: 'of', isText: true, value: ({ where }) => where },
            {
              title: 'change',
              isText: true,
              value: () => '',
              cell: ({ ask }) =>
                ask && (
                  <ChangeButton canChange={canChange} ask={ask}>
                    change …
                  </ChangeButton>
                ),
            },
          ]}
        />
      </Panel>
      <Panel title="Policies" note="rules as the cache applies them">
        <DataTable
          name="Rules"
          rows={cache.policies}
          keyOf={({ name, version }) => `${name}@${version}`}
          sort={{ column: 'policy', isDescending: false }}
          filter={filter}
          columns={RULES}
        />
      </Panel>
    </div>
  )
}

function settingsOf({ name, stats }: ViewProps['cache']): Setting[] {
  const { memory, disk } = stats.tiers
  const taken = snapshot.value!.process
  const settings: Setting[] = [
    { name: 'name', value: name, where: 'createCache' },
    { name: 'maxStaleness', value: duration(stats.staleness.maxStalenessMs), where: 'createCache' },
    { name: 'tiers', value: Object.keys(stats.tiers).join(', '), where: 'createCache' },
  ]
  if (memory?.eviction) {
    const present = memory.eviction
    settings.push({ name: 'memory.eviction', value: present, where: 'memory', ask: () => askEviction(name, present) })
  }
  for (const [tier, usage] of Object.entries({ memory, disk })) {
    if (usage === undefined) continue
    settings.push({ name: `${tier}.maxBytes`, value: bytes(usage.maxBytes), where: tier })
    settings.push({
      name: `${tier}.maxEntries`,
      value: usage.maxEntries ? count(usage.maxEntries) : 'no bound',
      where: tier,
    })
  }
  return [
    ...settings,
    { name: 'sender', value: stats.sender, where: 'this process' },
    { name: 'process', value: `pid ${taken.pid}, Node.js ${taken.node}`, where: 'this process' },
    { name: 'running for', value: duration(1_000 * taken.uptimeSeconds), where: 'this process' },
    { name: 'resident memory', value: bytes(taken.rssBytes), where: 'this process' },
  ]
}

const rule = (title: string, pick: (rules: Rules) => unknown, hint: string): Column<PolicySnapshot> => ({
  title,
  hint,
  value: ({ rules }) => {
    const value = pick(rules as unknown as Rules)
    return typeof value === 'number' ? value : String(value ?? '')
  },
  cell: ({ rules }) => ruleText(hint, pick(rules as unknown as Rules)),
})

/** As JSON brings them; hints name the rule. */
interface Rules {
  readonly ttlMs: number
  readonly whileRevalidateMs: number
  readonly ifErrorMs: number
  readonly softMs?: number
  readonly hardMs: number
  readonly jitter: number
  readonly refreshAheadBeta: number
  readonly maxFills: number
  readonly coordinate: {
    readonly leaseMs: number
    readonly waitMs: number
    readonly onTimeout: string
    readonly waits: boolean
  }
}

const RULES: readonly Column<PolicySnapshot>[] = [
  { title: 'policy', isText: true, value: ({ name }) => name },
  { title: 'version', value: ({ version }) => version },
  rule('ttl', ({ ttlMs }) => ttlMs, 'ttlMs'),
  rule('revalidate', ({ whileRevalidateMs }) => whileRevalidateMs, 'whileRevalidateMs'),
  rule('if error', ({ ifErrorMs }) => ifErrorMs, 'ifErrorMs'),
  rule('soft', ({ softMs }) => softMs, 'softMs'),
  rule('hard', ({ hardMs }) => hardMs, 'hardMs'),
  rule('jitter', ({ jitter }) => jitter, 'jitter'),
  rule('ahead', ({ refreshAheadBeta }) => refreshAheadBeta || 'off', 'refreshAheadBeta'),
  rule('lease', ({ coordinate }) => coordinate.leaseMs, 'leaseMs'),
  rule('wait', ({ coordinate }) => coordinate.waitMs, 'waitMs'),
  rule('then', ({ coordinate }) => (coordinate.waits ? coordinate.onTimeout : 'nobody waits'), 'onTimeout'),
  rule('fills', ({ maxFills }) => maxFills, 'maxFills'),
]
