import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { EventGroup } from '../state/event-groups.ts'
import { clearEvents, dropped, eventsOf, isPaused, type LiveEvent, setPaused } from '../state/store.ts'
import { type Column, DataTable } from './data-table.tsx'
import { Filter } from './filter.tsx'
import { clock, count } from './format.ts'
import { Panel } from './panel.tsx'

/** Events as they come, the newest first: filtered, paused, wiped. */
export function LiveLog({
  title,
  group,
  columns,
  what,
  empty,
  children,
}: {
  title: string
  group: EventGroup
  columns: readonly Column<LiveEvent>[]
  what: string
  empty: string
  /** More tools beside the filter. */
  children?: ComponentChildren
}) {
  const filter: Signal<string> = useSignal('')
  const told = eventsOf(group)
  return (
    <>
      <div class="tools">
        <Filter text={filter} what={what} />
        <button type="button" class="action" aria-pressed={isPaused.value} onClick={() => setPaused(!isPaused.value)}>
          {isPaused.value ? '▶ go on' : '▮▮ pause'}
        </button>
        <button type="button" class="action" onClick={clearEvents}>
          wipe
        </button>
        {children}
        <span class="spacer" />
        {dropped.value > 0 && <span class="look">▲ {count(dropped.value)} events were too many to tell</span>}
      </div>
      <Panel title={title} note={`the last ${count(told.length)}`} class="log">
        <DataTable
          name={title}
          rows={told}
          columns={[TIME, ...columns]}
          keyOf={({ id }) => String(id)}
          filter={filter}
          empty={empty}
        />
      </Panel>
    </>
  )
}

const TIME: Column<LiveEvent> = {
  title: 'time',
  isText: true,
  value: ({ at }) => clock(at),
  cell: ({ at }) => <time class="quiet">{clock(at)}</time>,
}
