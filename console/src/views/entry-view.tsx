import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Explanation, TierExplanation } from '../../../src/core/explain.ts'
import type { RecentInvalidation } from '../../../src/core/recent-invalidations.ts'
import { get, reasonOf } from '../state/api.ts'
import { askInvalidate } from '../state/changes.ts'
import { ChangeButton } from '../ui/change-dialog.tsx'
import { type Column, DataTable } from '../ui/data-table.tsx'
import { clock, count, duration, sourceText } from '../ui/format.ts'
import { Panel } from '../ui/panel.tsx'
import { type Tone, Toned } from '../ui/tone.tsx'
import { place, type ViewProps } from '../views.ts'

/** What is asked for, as the form has it. */
type Asked = Readonly<Record<'policy' | 'tenant' | 'key' | 'type', string>>

export function EntryView({ cache, canChange }: ViewProps) {
  const policies = cache.policies.map(({ name }) => name)
  const asked = useSignal<Asked>(readAsked(policies[0] ?? ''))
  const explained = useSignal<Explanation | undefined>(undefined)
  const value = useSignal<{ value?: unknown } | undefined>(undefined)
  const failure = useSignal<string | undefined>(undefined)
  const look = async (): Promise<void> => {
    value.value = failure.value = undefined
    try {
      explained.value = await get<Explanation>('explain', queryOf(asked.value, cache.name))
    } catch (error) {
      explained.value = undefined
      failure.value = reasonOf(error)
    }
  }
  const showValue = async (): Promise<void> => {
    failure.value = undefined
    try {
      value.value = await get<{ value?: unknown }>('entry', { ...queryOf(asked.value, cache.name), value: '1' })
    } catch (error) {
      failure.value = reasonOf(error)
    }
  }
  const { chosen } = place.value
  useEffect(() => {
    if (chosen === undefined) return
    asked.value = readAsked(policies[0] ?? '')
    void look()
  }, [chosen])
  const change = (field: keyof Asked) => (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => {
    asked.value = { ...asked.value, [field]: event.currentTarget.value }
  }
  const { tenant, policy, key, type } = asked.value
  return (
    <div class="stack">
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault()
          void look()
        }}
      >
        <label class="filter">
          <span class="quiet">policy</span>
          <select name="policy" value={policy} onChange={change('policy')}>
            {policies.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label class="filter">
          <span class="quiet">tenant</span>
          <input name="tenant" value={tenant} autocomplete="off" placeholder="(none)" onInput={change('tenant')} />
        </label>
        <label class="filter">
          <span class="quiet">key</span>
          <input id="filter" name="key" value={key} autocomplete="off" spellcheck={false} onInput={change('key')} />
          <kbd>/</kbd>
        </label>
        <label class="filter">
          <span class="quiet">which is</span>
          <select name="type" value={type} onChange={change('type')}>
            <option value="text">text</option>
            <option value="number">a number</option>
          </select>
        </label>
        <button type="submit" class="action">
          look it up
        </button>
      </form>
      {failure.value && (
        <p role="alert">
          <Toned tone="broken">{failure.value}</Toned>
        </p>
      )}
      {explained.value === undefined ? (
        <p class="empty">
          Where a key is, why a read would hit or miss, and who invalidated it. Nothing is counted or changed by
          looking.
        </p>
      ) : (
        <>
          <Answer explained={explained.value} />
          <ValuePanel
            shown={value.value}
            canChange={canChange}
            showValue={() => void showValue()}
            invalidate={() => askInvalidate(cache.name, { tenant, policy, key, isNumber: type === 'number' })}
          />
        </>
      )}
    </div>
  )
}

function Answer({ explained }: { explained: Explanation }) {
  const { answer, tiers, flights, isLeased, invalidations, storedKey } = explained
  return (
    <>
      <Panel
        title={`A read now is answered by ${answer === 'fill' ? 'a new fill' : answer === 'flight' ? 'the fill under way' : answer}`}
        note={storedKey}
      >
        <DataTable name="Tiers of the key" rows={tiers} columns={TIERS} keyOf={({ tier }) => tier} />
        <dl class="facts">
          <div>
            <dt>under way here</dt>
            <dd>
              {flights.length === 0
                ? 'nothing'
                : `${count(flights.length)}, since ${duration(flights[0]!.startedMsAgo)}`}
            </dd>
          </div>
          <div>
            <dt>lease</dt>
            <dd>{isLeased === undefined ? 'not known' : isLeased ? 'held by a process that fills it' : 'free'}</dd>
          </div>
        </dl>
      </Panel>
      <Panel title="What invalidated it" note="the last that this process knows of">
        <DataTable
          name="Invalidations of the key"
          rows={invalidations}
          columns={INVALIDATIONS}
          keyOf={({ atMs, source, tags }) => `${atMs} ${source} ${tags.join()}`}
          empty="nothing that this process knows of"
        />
      </Panel>
    </>
  )
}

/** Values are shown on request only. */
function ValuePanel({
  shown,
  canChange,
  showValue,
  invalidate,
}: {
  shown: { value?: unknown } | undefined
  canChange: boolean
  showValue: () => void
  invalidate: () => void
}) {
  return (
    <Panel
      title="Value"
      note={
        <>
          <ChangeButton canChange={canChange} ask={showValue}>
            show the value
          </ChangeButton>{' '}
          <ChangeButton canChange={canChange} ask={invalidate}>
            invalidate …
          </ChangeButton>
        </>
      }
    >
      {shown === undefined ? (
        <p class="empty">hidden; showing it counts as a read</p>
      ) : (
        <pre class="value">{'value' in shown ? JSON.stringify(shown.value, null, 2) : 'nothing is held'}</pre>
      )}
    </Panel>
  )
}

const TONES: Readonly<Record<TierExplanation['state'], Tone>> = {
  fresh: 'good',
  stale: 'look',
  expired: 'quiet',
  dead: 'quiet',
  missing: 'quiet',
  unproven: 'look',
  unreadable: 'broken',
  failed: 'broken',
}

const TIERS: readonly Column<TierExplanation>[] = [
  { title: 'tier', isText: true, value: ({ tier }) => tier },
  {
    title: 'state',
    isText: true,
    value: ({ state }) => state,
    cell: ({ state }) => <Toned tone={TONES[state]}>{state}</Toned>,
  },
  { title: 'age', value: ({ ageMs }) => ageMs, cell: ({ ageMs }) => duration(ageMs) },
  { title: 'ttl left', value: ({ ttlMs }) => ttlMs, cell: ({ ttlMs }) => duration(ttlMs) },
  { title: 'tags', isText: true, value: ({ tags }) => (tags ?? []).join(', ') },
  { title: 'why', isText: true, value: ({ why }) => why },
]

const INVALIDATIONS: readonly Column<RecentInvalidation>[] = [
  { title: 'time', isText: true, value: ({ atMs }) => clock(atMs) },
  { title: 'by', isText: true, value: ({ source }) => sourceText(source) },
  { title: 'sender', isText: true, value: ({ sender }) => sender || 'shared tier: a new epoch' },
  { title: 'tags', isText: true, value: ({ tags }) => tags.join(', ') },
  { title: 'keys', value: ({ entries }) => entries, cell: ({ entries }) => (entries ? count(entries) : '') },
  {
    title: 'and',
    isText: true,
    value: ({ clear, soft }) => [clear && 'everything of the tenant', soft && 'softly'].filter(Boolean).join(', '),
  },
]

function readAsked(policy: string): Asked {
  const query = new URLSearchParams(place.value.chosen ?? '')
  const read = (name: string): string => query.get(name) ?? ''
  return { policy: read('policy') || policy, tenant: read('tenant'), key: read('key'), type: read('type') || 'text' }
}

function queryOf({ policy, tenant, key, type }: Asked, cache: string): Record<string, string> {
  return { cache, policy, ...(tenant !== '' && { tenant }), ...(type === 'number' ? { number: key } : { key }) }
}
