import type { LiveEvent } from '../state/store.ts'
import type { Column } from './data-table.tsx'
import { bytes } from './format.ts'
import { LiveLog } from './live-log.tsx'
import { type Tone, Toned } from './tone.tsx'

/** What happens to tiers: failed commands, breakers, damage, memory pressure, a log that is lost. */
export function TierLog() {
  return (
    <LiveLog
      title="Trouble"
      group="tiers"
      columns={COLUMNS}
      what="tier, what, why"
      empty="nothing has failed since the console was opened"
    />
  )
}

const COLUMNS: readonly Column<LiveEvent>[] = [
  {
    title: 'what',
    isText: true,
    value: ({ type }) => type,
    cell: (event) => <Toned tone={toneOf(event)}>{event.type}</Toned>,
  },
  { title: 'tier', isText: true, value: ({ tier }) => String(tier ?? '') },
  { title: 'doing', isText: true, value: ({ operation, part }) => String(operation ?? part ?? '') },
  { title: 'and', isText: true, value: detail },
]

function toneOf({ type, state }: LiveEvent): Tone {
  if (type === 'tier-failed') return 'broken'
  if (type === 'breaker') return state === 'closed' ? 'good' : state === 'open' ? 'broken' : 'look'
  return state === 'relieved' ? 'good' : 'look'
}

function detail({ type, error, state, cause, shard, records, maxBytes }: LiveEvent): string {
  if (type === 'memory-pressure') return `${state} to ${bytes(maxBytes as number)}, because of ${cause}`
  if (type === 'log-broken') return `shard ${shard}: ${cause}`
  if (type === 'damaged') return `${records} records`
  return String(error ?? state ?? '')
}
