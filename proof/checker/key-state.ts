export interface Reader {
  step:
    | 'idle'
    | 'waits'
    | 'look'
    | 'looked'
    | 'again'
    | 'joined'
    | 'get'
    | 'got'
    | 'acquire'
    | 'granted'
    | 'load'
    | 'commit'
    | 'stored'
    | 'refused'
  left: number
  /** What the read carries; for `joined` the reader whose flight it is. */
  value: number
  token: number
  poisoned: boolean
  startedAt: number
  /** The least version that this read may answer: by the promise of its level, and by what it fetched itself. */
  must: number
  mustFetched: number
  /** A strict caller on its way into a flight. */
  joining: Joining | null
}

/** What a strict caller knows of the flight that it may join. Flights are called by the index of their reader. */
export interface Joining {
  /** NOTHING = it has ended. */
  readonly flight: number
  /** Its lease. */
  readonly token: number
  /** What the look at that lease said. */
  readonly stands: boolean
  /** What the flight brought, if it ended before the look's answer came. */
  readonly brought: number
  /** The flight that proved nothing. */
  readonly refused: number
  /** Flights that began after the call, as bits. */
  readonly later: number
}

export interface Process {
  memory: number
  /** When the flight that brought it began. */
  loadedAt: number
  anchor: readonly [position: number, row: number]
  syncedAt: number
  sync: null | {
    sentAt: number
    anchor: readonly [number, number]
    isBroken: boolean
    evicts: boolean
    executed: boolean
  }
  syncsLeft: number
  /** The newest version that this process acknowledged. */
  own: number
}

/** What a failover brings back: the server as it was, and how many acknowledgements it knew of. */
interface Snapshot {
  data: number
  lease: number
  log: readonly number[]
  trimmed: number
  deleted: number
  acknowledged: number
}

export interface State {
  now: number
  origin: number
  data: number
  lease: number
  /** Nonces of the rows about this key, negative for others. */
  log: readonly number[]
  trimmed: number
  nextRow: number
  /** The newest version whose invalidation has deleted the data. */
  deleted: number
  /** The tick at which each version was acknowledged, by version - 1. */
  acks: readonly number[]
  writer: { step: 'idle' | 'evict' | 'first' | 'second' | 'third' | 'acknowledge'; version: number; left: number }
  processes: Process[]
  readers: Reader[]
  left: { ticks: number; expiries: number; failovers: number; trims: number; noise: number; failedFills: number }
  snapshot: Snapshot | null
  fault: string
}

export const NOTHING = -1
export const IDLE = {
  step: 'idle',
  value: NOTHING,
  token: 0,
  poisoned: false,
  startedAt: 0,
  must: 0,
  mustFetched: 0,
  joining: null,
} as const

export type Add = (label: string, change: (next: State) => void) => void

export function isFlight({ step, joining }: Reader): boolean {
  return step !== 'idle' && step !== 'joined' && joining === null
}

export function told(version: number): string {
  return version === NOTHING ? 'nothing' : `v${version}`
}

export function rest(next: State, index: number): void {
  next.readers[index] = { ...IDLE, left: next.readers[index]!.left }
}

export function takeSnapshot(next: State): void {
  const { data, lease, log, trimmed, deleted, acks } = next
  next.snapshot = { data, lease, log, trimmed, deleted, acknowledged: acks.length }
}

/** Acknowledgements that the server lost are forgiven (A1); those it knew of are not. */
export function failOver(next: State): void {
  const { acknowledged, ...server } = next.snapshot!
  next.left.failovers--
  next.snapshot = null
  Object.assign(next, server)
  next.acks = next.acks.slice(0, acknowledged)
  for (const process of next.processes) process.own = Math.min(process.own, acknowledged)
  for (const reader of next.readers) {
    reader.must = Math.min(reader.must, acknowledged)
    reader.mustFetched = Math.min(reader.mustFetched, acknowledged)
  }
  // The invalidation under way lost its connection, and is repeated from its first command.
  if (next.writer.step !== 'idle' && next.writer.step !== 'evict') next.writer.step = 'first'
}

export function copy(state: State): State {
  return {
    ...state,
    writer: { ...state.writer },
    processes: state.processes.map((process) => ({ ...process })),
    readers: state.readers.map((reader) => ({ ...reader })),
    left: { ...state.left },
  }
}
