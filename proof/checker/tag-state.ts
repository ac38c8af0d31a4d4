export interface Entry {
  readonly value: number
  readonly epoch: number
  readonly born: number
  readonly id: number
}

export interface Control {
  readonly epoch: number
  readonly clock: number
  /** 0 = none. */
  readonly tag: number
  readonly pruned: number
}

/** A control block as a process hears of it. `askedAt`: how often it had taken up the log anew when it asked. */
export interface Answer extends Control {
  readonly askedAt: number
}

/** One for each move of the clock; a new control block is told as a `clear`. */
export interface Row {
  readonly epoch: number
  readonly clock: number
  readonly of: 'x' | 'another tag' | 'clear'
}

export interface Reader {
  step: 'idle' | 'look' | 'joined' | 'read' | 'acquire' | 'born' | 'load' | 'late-born' | 'commit'
  left: number
  /** It judges by a control block, not by what its process knows. */
  asks: boolean
  /** What the data key held; null = not asked yet. */
  found: Entry | 'nothing' | null
  control: Answer | null
  born: Answer | null
  value: number
  token: number
  deadId: number
  must: number
  mustFetched: number
  fills: number
  joining: Joining | null
}

/** A strict caller's look at a load of its process: its lease in one slot, the clock in the other. */
export interface Joining {
  /** The index of its reader; -1 = it has ended. */
  readonly flight: number
  readonly token: number
  readonly born: Control | null
  /** null = not asked yet. */
  readonly stands: boolean | null
  readonly control: Answer | null
  /** What the flight brought, if it ended before both answers came. */
  readonly brought: number
}

/** What a process knows of the clocks. An entry born before the floor is dead. */
export interface Known {
  readonly epoch: number
  readonly clock: number
  readonly tag: number
  readonly floor: number
  /** The clock with which this knowledge began: all that memory holds came later. */
  readonly openedAt: number
}

export interface Process {
  /** null: nothing. Then a control block must be asked for. */
  known: Known | null
  /** The highest clock that the log told while nothing was known: an older control block is out of date. */
  heard: number
  memory: Entry | null
  /** Rows of the log that it has followed. */
  position: number
  /** How often it took up the log anew. */
  anchored: number
  sync: Sync | null
  syncsLeft: number
  /** Acknowledged before the last sync was sent. */
  synced: number
}

/** A look at the log; where its continuation is gone, the second look is at the log's end. */
export interface Sync {
  readonly step: 'sent' | 'rows' | 'broken' | 'end'
  /** Acknowledged before it was sent. */
  readonly must: number
  /** The length of the log when it was executed. */
  readonly upTo: number
}

export interface State {
  origin: number
  data: Entry | null
  lease: number
  control: Control | null
  log: readonly Row[]
  /** Rows that the server has forgotten. */
  trimmed: number
  epochs: number
  /** The server's time: the highest clock that was ever given out. */
  time: number
  acknowledged: number
  writer: { step: 'idle' | 'bump' | 'acknowledge'; left: number }
  readers: Reader[]
  processes: Process[]
  left: { otherBumps: number; prunes: number; losses: number; expiries: number; trims: number }
  fault: string
}

export type Add = (label: string, change: (next: State) => void) => void

export const FIRST: Control = { epoch: 1, clock: 1, tag: 0, pruned: 0 }

export const IDLE = {
  step: 'idle',
  asks: false,
  found: null,
  control: null,
  born: null,
  value: -1,
  token: 0,
  deadId: -1,
  must: 0,
  mustFetched: 0,
  joining: null,
} as const

/** The control block; a lost one is made anew, with an epoch that nobody had. */
export function open(next: State): Control {
  if (next.control === null) {
    next.control = { epoch: ++next.epochs, clock: next.time, tag: 0, pruned: 0 }
    append(next, next.control, 'clear')
  }
  return next.control
}

/** Moves the clock: the block, and its row of the log, are one script. */
export function bump(next: State, of: 'x' | 'another tag'): void {
  const control = open(next)
  const clock = ++next.time
  next.control = { ...control, clock, tag: of === 'x' ? clock : control.tag }
  append(next, next.control, of)
}

function append(next: State, { epoch, clock }: Control, of: Row['of']): void {
  next.log = [...next.log, { epoch, clock, of }]
}

export function copy(state: State): State {
  return {
    ...state,
    writer: { ...state.writer },
    readers: state.readers.map((reader) => ({ ...reader })),
    processes: state.processes.map((process) => ({ ...process })),
    left: { ...state.left },
  }
}
