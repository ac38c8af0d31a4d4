import type { Model, Step } from './explore.js'
import {
  type Add,
  copy,
  failOver,
  IDLE,
  isFlight,
  NOTHING,
  type Process,
  rest,
  type State,
  takeSnapshot,
  told,
} from './key-state.js'
import { StrictJoins } from './strict-joins.js'

/**
 * Fill and invalidation of one key: two processes with memory, one server, a log, one writer.
 *
 * What a server does is atomic (one command or one script); everything between two such steps may be interleaved with
 * anything else. Time is a count of ticks. The staleness bound B is `boundTicks`: memory may answer at tick t iff the
 * last sync was *sent* (or the value's own load began) at t - B or later, and a bounded read at t must reflect what was
 * acknowledged before t - B.
 */
export interface KeyScope {
  readonly name: string
  /** Callers: in which process, at which level, and how often. */
  readonly readers: readonly { readonly process: 0 | 1; readonly level: Level; readonly reads: number }[]
  /** Changes of the row, each followed by an invalidation from process 0. */
  readonly writes: number
  /** Looks at the log by each process. */
  readonly syncs: readonly [number, number]
  readonly boundTicks?: number
  readonly ticks?: number
  readonly expiries?: number
  readonly failovers?: number
  /** From the start a replica waits that has not received the log's newest row. */
  readonly replicaLags?: boolean
  readonly trims?: number
  /** Log rows about other keys. */
  readonly noise?: number
  readonly failedFills?: number
  /** The key's slot is being moved: an invalidation deletes lease and data by two commands. */
  readonly migrating?: boolean
}

type Level = 'bounded' | 'strict'

/** The rules, each of which can be taken away. */
export const KEY_MUTANTS = {
  'commit-unconditional': 'a fill stores its value without looking at the lease',
  'commit-if-absent': 'a fill also stores when its lease is gone and nobody else has one',
  'client-token': "the lease token is the client's, not the fill's",
  'lease-survives': 'an invalidation deletes the data and leaves the lease',
  'log-before-delete': 'an invalidation appends to the log before it deletes',
  'poison-dropped': 'an invalidation leaves reads under way as they are',
  'join-poisoned': 'a caller joins a flight that an invalidation has poisoned',
  'evict-only-before': 'the invalidating process evicts its memory before the acknowledgement only',
  'sync-stamped-at-receipt': 'a sync proves freshness from when its answer came, not from when it was sent',
  'anchor-ignored': 'a sync reads what comes after its position and does not look whether its own row is there',
  'anchor-by-position': 'a sync looks for its position in the log, not for its own row',
  'join-sent-read': 'a strict caller joins a flight that is under way',
  'join-unproven': 'a strict caller joins a load that began before it without a look at its lease',
  'look-from-before': 'a strict caller takes the answer of a look at the lease that was sent before it',
  'bound-ignored': 'memory answers however long ago the last sync was',
  'join-beyond-bound': 'a bounded caller joins a flight however long ago it began',
  'data-before-lease': 'in a moving slot an invalidation deletes the data, then the lease',
  'release-blind': 'a failed fill ends the lease whoever holds it',
} as const

export type KeyMutant = keyof typeof KEY_MUTANTS

export function keyModel(scope: KeyScope, mutant?: KeyMutant): Model<State> {
  const rules = new KeyRules(scope, mutant)
  return { initial: rules.initial(), next: (state) => rules.next(state), fault: faultOf }
}

function faultOf({ fault, data, deleted }: State): string | undefined {
  if (fault !== '') return fault
  if (data === NOTHING || data >= deleted) return undefined
  return `the server holds v${data} although the invalidation of v${deleted} has deleted the key`
}

class KeyRules {
  readonly #scope: KeyScope
  readonly #mutant: KeyMutant | undefined
  readonly #boundTicks: number
  readonly #joins: StrictJoins

  constructor(scope: KeyScope, mutant: KeyMutant | undefined) {
    this.#scope = scope
    this.#mutant = mutant
    this.#boundTicks = scope.boundTicks ?? 0
    this.#joins = new StrictJoins(scope, mutant)
  }

  initial(): State {
    const { readers, writes, syncs, replicaLags } = this.#scope
    const { ticks = 0, expiries = 0, failovers = 0, trims = 0, noise = 0, failedFills = 0 } = this.#scope
    const log = replicaLags ? [1, -2] : [1]
    const replica = { data: NOTHING, lease: 0, log: [1], trimmed: 0, deleted: 0, acknowledged: 0 }
    return {
      now: 0,
      origin: 0,
      data: NOTHING,
      lease: 0,
      log,
      trimmed: 0,
      nextRow: 3,
      deleted: 0,
      acks: [],
      writer: { step: 'idle', version: 0, left: writes },
      processes: syncs.map((syncsLeft) => ({
        memory: NOTHING,
        loadedAt: 0,
        anchor: [log.length - 1, log.at(-1)!],
        syncedAt: 0,
        sync: null,
        syncsLeft,
        own: 0,
      })),
      readers: readers.map(({ reads }) => ({ ...IDLE, left: reads })),
      left: { ticks, expiries, failovers, trims, noise, failedFills },
      snapshot: replicaLags ? replica : null,
      fault: '',
    }
  }

  next(state: State): Step<State>[] {
    const steps: Step<State>[] = []
    // Nobody is left who could see anything.
    if (state.readers.every(({ step, left }) => step === 'idle' && left === 0)) return steps
    const add = (label: string, change: (next: State) => void): void => {
      const next = copy(state)
      change(next)
      steps.push({ label, state: next })
    }
    for (const index of state.readers.keys()) this.#reader(state, index, add)
    this.#writer(state, add)
    for (const index of state.processes.keys()) this.#sync(state, index, add)
    this.#environment(state, add)
    return steps
  }

  #reader(state: State, index: number, add: Add): void {
    const reader = state.readers[index]!
    const name = `reader ${index}`
    switch (reader.step) {
      case 'idle':
        if (reader.left > 0) this.#start(state, index, add)
        break
      case 'joined':
        break
      case 'waits':
      case 'look':
      case 'again':
        this.#joins.steps(state, index, add)
        break
      case 'looked':
        add(`${name}: hears that the lease ${reader.joining!.stands ? 'stands' : 'is gone'}`, (next) => {
          const brought = this.#joins.hear(next, index)
          if (brought !== undefined) this.#answer(next, index, brought, 'a joined flight')
        })
        break
      case 'get':
        add(`${name}: GET finds ${told(state.data)}`, (next) => {
          Object.assign(next.readers[index]!, { value: next.data, step: 'got' })
        })
        break
      case 'got':
        add(`${name}: the reply ${told(reader.value)} arrives`, (next) => {
          if (reader.value === NOTHING) next.readers[index]!.step = 'acquire'
          else this.#finish(next, index, true)
        })
        break
      case 'acquire':
        add(`${name}: ACQUIRE (data ${told(state.data)}, lease ${state.lease || 'free'})`, (next) => {
          this.#acquire(next, index)
        })
        break
      case 'granted':
        add(`${name}: its load begins`, (next) => {
          next.readers[index]!.step = 'load'
          this.#joins.loadBegins(next, index)
        })
        break
      case 'load':
        add(`${name}: loads v${state.origin}`, (next) => {
          Object.assign(next.readers[index]!, { value: next.origin, step: 'commit' })
        })
        if (state.left.failedFills > 0) add(`${name}: its load fails, RELEASE`, (next) => this.#fail(next, index))
        break
      case 'commit':
        add(`${name}: COMMIT v${reader.value} (lease ${state.lease || 'free'}, own ${reader.token})`, (next) => {
          this.#commit(next, index)
        })
        break
      case 'stored':
      case 'refused':
        add(`${name}: learns that v${reader.value} was ${reader.step}`, (next) => {
          this.#finish(next, index, reader.step === 'stored')
        })
        break
      default:
        reader.step satisfies never
    }
  }

  #start(state: State, index: number, add: Add): void {
    const { process: own, level } = this.#scope.readers[index]!
    const process = state.processes[own]!
    const newest = state.acks.length
    const bounded = state.acks.filter((at) => at < state.now - this.#boundTicks).length
    const begun = {
      ...IDLE,
      left: state.readers[index]!.left - 1,
      startedAt: state.now,
      must: level === 'strict' ? newest : Math.max(bounded, process.own),
      mustFetched: newest,
    }
    const name = `reader ${index} (${level}, process ${own})`
    if (level === 'bounded' && process.memory !== NOTHING && this.#covers(state, process, process.loadedAt)) {
      add(`${name} starts: memory answers v${process.memory}`, (next) => {
        next.readers[index] = begun
        this.#answer(next, index, process.memory, 'memory')
      })
      return
    }
    const isByProof = level === 'strict' && this.#mutant !== 'join-sent-read'
    const flights = isByProof ? this.#joins.candidates(state, index) : this.#joinable(state, index)
    for (const flight of flights) {
      add(`${name} starts, ${isByProof ? 'considers' : 'joins'} the flight of reader ${flight}`, (next) => {
        next.readers[index] = isByProof ? begun : { ...begun, step: 'joined', value: flight }
        if (isByProof) this.#joins.consider(next, index, flight)
      })
    }
    if (flights.length === 0) {
      add(`${name} starts a flight`, (next) => {
        next.readers[index] = begun
        this.#joins.fly(next, index)
      })
    }
  }

  /** One rule for use and join: as new as the later of the load's start and the last sync, and that within the bound. */
  #covers(state: State, process: Process, loadedAt: number): boolean {
    return this.#mutant === 'bound-ignored' || state.now - Math.max(process.syncedAt, loadedAt) <= this.#boundTicks
  }

  /** Other readers' flights of the same process that this one may join. */
  #joinable(state: State, index: number): number[] {
    const { process: own } = this.#scope.readers[index]!
    return [...state.readers.keys()].filter((other) => {
      const { poisoned, startedAt } = state.readers[other]!
      if (other === index || this.#scope.readers[other]!.process !== own || !isFlight(state.readers[other]!))
        return false
      if (poisoned && this.#mutant !== 'join-poisoned') return false
      return this.#mutant === 'join-beyond-bound' || this.#covers(state, state.processes[own]!, startedAt)
    })
  }

  #acquire(next: State, index: number): void {
    const reader = next.readers[index]!
    if (next.data !== NOTHING) {
      Object.assign(reader, { value: next.data, step: 'got' })
    } else if (next.lease !== 0) {
      // A follower looks again.
      reader.step = 'get'
    } else {
      const { process, reads } = this.#scope.readers[index]!
      reader.token = this.#mutant === 'client-token' ? 1 + process : 100 + index * 10 + (reads - reader.left)
      next.lease = reader.token
      reader.step = this.#joins.isWatched(index) ? 'granted' : 'load'
    }
  }

  #commit(next: State, index: number): void {
    const reader = next.readers[index]!
    const isOwn = next.lease === reader.token
    const isStored =
      isOwn || this.#mutant === 'commit-unconditional' || (this.#mutant === 'commit-if-absent' && next.lease === 0)
    if (isStored) next.data = reader.value
    if (isOwn) next.lease = 0
    reader.step = isStored ? 'stored' : 'refused'
  }

  #fail(next: State, index: number): void {
    next.left.failedFills--
    const { token } = next.readers[index]!
    if (next.lease === token || this.#mutant === 'release-blind') next.lease = 0
    this.#joins.ended(next, index, NOTHING)
    for (const [other, { step, value }] of next.readers.entries()) {
      if (other === index || (step === 'joined' && value === index)) rest(next, other)
    }
  }

  /** A flight lands: memory may keep what it brought, and all who joined get it. */
  #finish(next: State, index: number, isStorable: boolean): void {
    const { value, poisoned, startedAt } = next.readers[index]!
    const process = next.processes[this.#scope.readers[index]!.process]!
    if (isStorable && !poisoned) Object.assign(process, { memory: value, loadedAt: startedAt })
    this.#joins.ended(next, index, value)
    for (const [other, reader] of next.readers.entries()) {
      if (reader.step === 'joined' && reader.value === index) this.#answer(next, other, value, 'a joined flight')
    }
    this.#answer(next, index, value, 'its own flight')
  }

  #answer(next: State, index: number, value: number, from: string): void {
    const { must, mustFetched } = next.readers[index]!
    const least = from === 'its own flight' ? mustFetched : must
    if (value < least) {
      const { level } = this.#scope.readers[index]!
      next.fault = `a ${level} read was answered v${value} by ${from}, must be at least v${least}`
    }
    rest(next, index)
  }

  #writer({ writer, origin }: State, add: Add): void {
    const { step, version } = writer
    const go = (label: string, to: State['writer']['step'], change: (next: State) => void): void =>
      add(label, (next) => {
        next.writer.step = to
        change(next)
      })
    const commands = this.#invalidation()
    if (step === 'idle' && writer.left > 0) {
      add(`writer: the origin commits v${origin + 1}`, (next) => {
        next.origin++
        next.writer = { step: 'evict', version: next.origin, left: writer.left - 1 }
      })
    }
    if (step === 'evict') go('writer: evicts its memory', 'first', (next) => this.#evict(next, 0))
    const places = ['first', 'second', 'third'] as const
    const place = places.indexOf(step as 'first')
    if (place >= 0) {
      const command = commands[place]!
      const to = place + 1 < commands.length ? places[place + 1]! : 'acknowledge'
      go(`writer: ${command.label}`, to, command.run)
    }
    if (step === 'acknowledge') {
      go(`writer: v${version} is ACKNOWLEDGED`, 'idle', (next) => {
        if (this.#mutant !== 'evict-only-before') this.#evict(next, 0)
        next.acks = [...next.acks, next.now]
        next.processes[0]!.own = version
      })
    }
  }

  /** The commands of one invalidation, in their order. */
  #invalidation(): readonly { label: string; run: (next: State) => void }[] {
    const append = {
      label: 'APPEND',
      run: (next: State) => {
        next.log = [...next.log, next.nextRow++]
      },
    }
    const dropLease = (next: State): void => {
      if (this.#mutant !== 'lease-survives') next.lease = 0
    }
    const dropData = (next: State): void => {
      next.data = NOTHING
      next.deleted = Math.max(next.deleted, next.writer.version)
    }
    if (this.#scope.migrating) {
      const single = [
        { label: 'UNLINK lease', run: dropLease },
        { label: 'UNLINK data', run: dropData },
      ]
      return [...(this.#mutant === 'data-before-lease' ? single.reverse() : single), append]
    }
    const unlink = {
      label: 'UNLINK data, lease',
      run: (next: State) => {
        dropData(next)
        dropLease(next)
      },
    }
    return this.#mutant === 'log-before-delete' ? [append, unlink] : [unlink, append]
  }

  /** An event for the key reaches a process: its memory lets go, and what is on its way there is poisoned. */
  #evict(next: State, index: number): void {
    next.processes[index]!.memory = NOTHING
    if (this.#mutant === 'poison-dropped') return
    for (const [other, reader] of next.readers.entries()) {
      if (this.#scope.readers[other]!.process === index && isFlight(reader)) reader.poisoned = true
    }
  }

  #sync(state: State, index: number, add: Add): void {
    const { sync, syncsLeft, anchor } = state.processes[index]!
    if (sync === null) {
      if (syncsLeft === 0) return
      add(`process ${index}: sends a sync`, (next) => {
        const process = next.processes[index]!
        process.syncsLeft--
        process.sync = { sentAt: next.now, anchor, isBroken: false, evicts: false, executed: false }
      })
      return
    }
    if (!sync.executed) {
      add(`process ${index}: its sync is executed`, (next) => {
        next.processes[index]!.sync = { ...sync, ...this.#readLog(next, anchor), executed: true }
      })
      return
    }
    const label = sync.isBroken ? ', finds the log broken' : sync.evicts ? ', finds the key' : ''
    add(`process ${index}: its sync arrives${label}`, (next) => {
      const process = next.processes[index]!
      if (sync.isBroken || sync.evicts) this.#evict(next, index)
      process.syncedAt = this.#mutant === 'sync-stamped-at-receipt' ? next.now : sync.sentAt
      process.anchor = sync.anchor
      process.sync = null
    })
  }

  #readLog(
    { log, trimmed }: State,
    anchor: readonly [number, number],
  ): { anchor: readonly [number, number]; isBroken: boolean; evicts: boolean } {
    const [position, row] = anchor
    const place = position - trimmed
    const isThere = place >= 0 && place < log.length && (this.#mutant === 'anchor-by-position' || log[place] === row)
    const tail = [trimmed + log.length - 1, log.at(-1)!] as const
    const isBroken = !isThere && this.#mutant !== 'anchor-ignored'
    return {
      isBroken,
      evicts: log.slice(Math.max(0, place + 1)).some((nonce) => nonce > 0),
      anchor: !isBroken && tail[0] < position ? anchor : tail,
    }
  }

  #environment(state: State, add: Add): void {
    const { left, lease, log, snapshot } = state
    if (left.ticks > 0) {
      add('time passes', (next) => {
        next.left.ticks--
        next.now++
      })
    }
    if (left.expiries > 0 && lease !== 0) {
      add('the lease expires', (next) => {
        next.left.expiries--
        next.lease = 0
      })
    }
    if (left.trims > 0 && log.length > 1) {
      add('the log loses its oldest row', (next) => {
        next.left.trims--
        next.log = next.log.slice(1)
        next.trimmed++
      })
    }
    if (left.noise > 0) {
      add('APPEND about another key', (next) => {
        next.left.noise--
        next.log = [...next.log, -next.nextRow++]
      })
    }
    if (left.failovers > 0) {
      if (snapshot === null) add('the replica receives nothing more', takeSnapshot)
      else add('FAILOVER to the replica', failOver)
    }
  }
}
