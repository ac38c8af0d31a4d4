import type { Model, Step } from './explore.js'
import { TagKnowledge } from './tag-knowledge.js'
import { followLog } from './tag-log.js'
import {
  type Add,
  type Answer,
  bump,
  copy,
  type Entry,
  FIRST,
  IDLE,
  open,
  type Process,
  type State,
} from './tag-state.js'

/**
 * Invalidation by tag: one entry with the tag `x`, whose data and lease lie in one slot of the server, and the control
 * block of its namespace (epoch, clock, tag clocks, highest pruned clock) in another, beside the log that tells of its
 * moves. Nothing is atomic across the two.
 *
 * An entry remembers `epoch` and `born`, the clock read before its load. It is dead iff the epoch is another one, or
 * the clock of `x` is above `born`, or `x` has no clock and `born` is not above the highest pruned one.
 */
export interface TagScope {
  readonly name: string
  /** Callers by process. Strict ones ask the control block; bounded ones judge by what their process knows. */
  readonly readers: readonly { readonly process: 0 | 1; readonly level: 'bounded' | 'strict'; readonly reads: number }[]
  /** Changes of the row, each followed by an invalidation of `x`. */
  readonly writes: number
  /** Invalidations of another tag, which move the clock too. */
  readonly otherBumps?: number
  readonly prunes?: number
  /** Losses of the control block. */
  readonly losses?: number
  readonly expiries?: number
  /** Looks at the log, by every process with a bounded caller. */
  readonly syncs?: number
  /** Times that the log forgets all its rows. */
  readonly trims?: number
}

export const TAG_MUTANTS = {
  'born-after-load': 'a fill reads the clock after its load',
  'born-at-commit': 'an entry is stamped with the clock at its commit',
  'control-not-read': 'a strict read judges by what its process knows',
  'control-from-before': 'a strict read judges by a control block read before it began',
  'dead-handed-back': 'ACQUIRE hands back the entry that its caller has just judged dead',
  'off-by-one': 'an entry is dead iff a clock is above born + 1',
  'epoch-ignored': 'an entry of another epoch is judged by its clocks',
  'pruned-forgotten': 'a tag without a clock was never invalidated, whatever was pruned',
  'control-goes-back': 'a process adopts a control block that is older than what it knows',
  'judged-by-block-alone': 'an entry is judged by the control block that was asked for, though more is known by now',
  'believe-control-from-before-anchor':
    'a control block that was asked for before the log was taken up anew is believed',
  'clocks-kept-over-anchor': 'a process that takes up the log anew keeps what it knows of the clocks',
  'memory-kept-over-anchor': 'a process that takes up the log anew keeps its memory',
  'join-ignores-clock': 'a strict caller joins a load whose lease stands, whatever the clock says',
} as const

export type TagMutant = keyof typeof TAG_MUTANTS

export function tagModel(scope: TagScope, mutant?: TagMutant): Model<State> {
  const rules = new TagRules(scope, mutant)
  return {
    initial: rules.initial(),
    next: (state) => rules.next(state),
    fault: ({ fault }) => (fault === '' ? undefined : fault),
  }
}

class TagRules {
  readonly #scope: TagScope
  readonly #mutant: TagMutant | undefined
  readonly #knowledge: TagKnowledge

  constructor(scope: TagScope, mutant: TagMutant | undefined) {
    this.#scope = scope
    this.#mutant = mutant
    this.#knowledge = new TagKnowledge(mutant)
  }

  initial(): State {
    const { readers, writes, otherBumps = 0, prunes = 0, losses = 0, expiries = 0, syncs = 0, trims = 0 } = this.#scope
    return {
      origin: 0,
      data: null,
      lease: 0,
      control: FIRST,
      log: [],
      trimmed: 0,
      epochs: 1,
      time: FIRST.clock,
      acknowledged: 0,
      writer: { step: 'idle', left: writes },
      readers: readers.map(({ reads }) => ({ ...IDLE, left: reads, fills: 0 })),
      processes: ([0, 1] as const).map((process) => ({
        known: this.#knowledge.first(FIRST),
        heard: 0,
        memory: null,
        position: 0,
        anchored: 0,
        sync: null,
        syncsLeft: this.#follows(process) ? syncs : 0,
        synced: 0,
      })),
      left: { otherBumps, prunes, losses, expiries, trims },
      fault: '',
    }
  }

  next(state: State): Step<State>[] {
    const steps: Step<State>[] = []
    if (state.readers.every(({ step, left }) => step === 'idle' && left === 0)) return steps
    const add: Add = (label, change) => {
      const next = copy(state)
      change(next)
      steps.push({ label, state: next })
    }
    for (const index of state.readers.keys()) this.#reader(state, index, add)
    for (const index of state.processes.keys()) followLog(state, index, { knowledge: this.#knowledge, add })
    this.#writer(state, add)
    this.#environment(state, add)
    return steps
  }

  #processOf(state: State, index: number): Process {
    return state.processes[this.#scope.readers[index]!.process]!
  }

  #isStrict(index: number): boolean {
    return this.#scope.readers[index]!.level === 'strict'
  }

  /** Only bounded callers have use for memory and the log. */
  #follows(process: 0 | 1): boolean {
    return this.#scope.readers.some((reader) => reader.process === process && reader.level === 'bounded')
  }

  /** What a reader is told of the control block now. */
  #answer(next: State, index: number): Answer {
    return { ...open(next), askedAt: this.#processOf(next, index).anchored }
  }

  #keep(next: State, index: number, entry: Entry): void {
    if (this.#follows(this.#scope.readers[index]!.process)) this.#processOf(next, index).memory = entry
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
      case 'look':
        this.#look(state, index, add)
        break
      case 'read':
        this.#read(state, index, add)
        break
      case 'acquire':
        add(`${name}: ACQUIRE`, (next) => this.#acquire(next, index))
        break
      case 'born':
        add(`${name}: reads the clock, ${state.control?.clock ?? 'a new one'}`, (next) => {
          Object.assign(next.readers[index]!, { born: this.#answer(next, index), step: 'load' })
        })
        break
      case 'load':
        add(`${name}: loads v${state.origin}`, (next) => {
          const isLate = this.#mutant === 'born-after-load'
          // What a reply says is known from its arrival on, which may be long after it was said.
          this.#knowledge.adopt(this.#processOf(next, index), reader.born)
          Object.assign(next.readers[index]!, { value: next.origin, step: isLate ? 'late-born' : 'commit' })
        })
        break
      case 'late-born':
        add(`${name}: reads the clock, ${state.control?.clock ?? 'a new one'}, after its load`, (next) => {
          Object.assign(next.readers[index]!, { born: this.#answer(next, index), step: 'commit' })
        })
        break
      case 'commit':
        add(`${name}: COMMIT v${reader.value}`, (next) => this.#commit(next, index))
        break
      default:
        reader.step satisfies never
    }
  }

  #start(state: State, index: number, add: Add): void {
    const { level } = this.#scope.readers[index]!
    const { memory, known, synced } = this.#processOf(state, index)
    const reader = state.readers[index]!
    const must = this.#isStrict(index) ? state.acknowledged : synced
    const asks = this.#isStrict(index) ? this.#mutant !== 'control-not-read' : known === null
    const begun = { ...reader, left: reader.left - 1, asks, must, mustFetched: state.acknowledged }
    const name = `reader ${index} (${level}) starts`
    if (!this.#isStrict(index) && memory !== null) {
      add(`${name}: memory answers v${memory.value}`, (next) => {
        next.readers[index] = begun
        this.#end(next, index, memory.value, must)
      })
      return
    }
    for (const flight of this.#loadsToJoin(state, index)) {
      add(`${name}, looks at the load of reader ${flight}`, (next) => {
        const { token, born } = next.readers[flight]!
        const joining = { flight, token, born, stands: null, control: null, brought: -1 }
        next.readers[index] = { ...begun, step: 'look', joining }
      })
    }
    add(name, (next) => {
      const isOld = this.#mutant === 'control-from-before'
      next.readers[index] = { ...begun, step: 'read', control: isOld ? reader.control : null }
    })
  }

  /** Loads under way that a strict caller may join if they prove new enough: those of strict reads of its process. */
  #loadsToJoin({ readers }: State, index: number): number[] {
    if (!this.#isStrict(index)) return []
    const { process } = this.#scope.readers[index]!
    return [...readers.keys()].filter(
      (other) =>
        this.#isStrict(other) && this.#scope.readers[other]!.process === process && readers[other]!.step === 'commit',
    )
  }

  /** The two halves of a look lie in two slots, too. */
  #look(state: State, index: number, add: Add): void {
    const { joining } = state.readers[index]!
    const { token, stands, control } = joining!
    const name = `reader ${index}`
    if (stands === null) {
      add(`${name}: RENEW, the lease ${state.lease === token ? 'stands' : 'is gone'}`, (next) => {
        next.readers[index]!.joining = { ...joining!, stands: next.lease === token }
      })
    }
    if (control === null) {
      add(`${name}: reads the control block, clock ${state.control?.clock ?? 'new'}`, (next) => {
        next.readers[index]!.joining = { ...joining!, control: this.#answer(next, index) }
      })
    }
    if (stands !== null && control !== null) add(`${name}: hears both`, (next) => this.#joinIfProven(next, index))
  }

  #joinIfProven(next: State, index: number): void {
    const reader = next.readers[index]!
    const { flight, born, stands, control, brought } = reader.joining!
    this.#knowledge.adopt(this.#processOf(next, index), control)
    const isCurrent = born !== null && control!.epoch === born.epoch && control!.clock === born.clock
    const isProven = stands === true && (isCurrent || this.#mutant === 'join-ignores-clock')
    if (!isProven) Object.assign(reader, { step: 'read', joining: null })
    else if (flight === -1) this.#end(next, index, brought, reader.must)
    else Object.assign(reader, { step: 'joined', value: flight, joining: null })
  }

  /** Those who joined have their answer; those who still look will know what it brought. */
  #land(next: State, index: number, value: number): void {
    for (const [other, reader] of next.readers.entries()) {
      if (reader.step === 'joined' && reader.value === index) this.#end(next, other, value, reader.must)
      else if (reader.joining?.flight === index) reader.joining = { ...reader.joining, flight: -1, brought: value }
    }
  }

  /** The two halves of a strict read lie in two slots: either may be executed first. */
  #read(state: State, index: number, add: Add): void {
    const { found, control, asks } = state.readers[index]!
    const name = `reader ${index}`
    if (found === null) {
      add(`${name}: GET finds ${state.data === null ? 'nothing' : `v${state.data.value}`}`, (next) => {
        next.readers[index]!.found = next.data ?? 'nothing'
      })
    }
    if (asks && control === null) {
      add(`${name}: reads the control block, clock ${state.control?.clock ?? 'new'}`, (next) => {
        next.readers[index]!.control = this.#answer(next, index)
      })
    }
    if (found !== null && (!asks || control !== null)) add(`${name}: judges`, (next) => this.#judge(next, index))
  }

  #judge(next: State, index: number): void {
    const reader = next.readers[index]!
    const { found, control } = reader
    const process = this.#processOf(next, index)
    this.#knowledge.adopt(process, control)
    const standing = found === 'nothing' ? 'dead' : this.#standing(process, found!, control)
    if (standing === 'dead') {
      Object.assign(reader, { deadId: found === 'nothing' ? -1 : found!.id, step: 'acquire' })
    } else if (standing === 'unknown') {
      Object.assign(reader, { asks: true, control: null })
    } else {
      this.#keep(next, index, found as Entry)
      this.#end(next, index, (found as Entry).value, reader.must)
    }
  }

  /** The worse of what the block says and what is known; 'unknown' = a block must be asked for (again). */
  #standing(process: Process, found: Entry, control: Answer | null): 'alive' | 'dead' | 'unknown' {
    const known = this.#knowledge.judge(process.known, found)
    if (control === null) return known
    const said = this.#knowledge.judgeByControl(control, found)
    if (this.#mutant === 'judged-by-block-alone') return said
    if (known === 'dead' || said === 'dead') return 'dead'
    return process.known?.epoch === control.epoch ? said : 'unknown'
  }

  #acquire(next: State, index: number): void {
    const reader = next.readers[index]!
    if (next.data !== null && this.#mutant === 'dead-handed-back') {
      this.#end(next, index, next.data.value, reader.must)
      return
    }
    if (next.data !== null && next.data.id !== reader.deadId) {
      Object.assign(reader, { found: next.data, control: null, step: 'read' })
    } else if (next.lease !== 0) {
      Object.assign(reader, { found: null, control: null, step: 'read' })
    } else {
      reader.token = 100 + index * 10 + ++reader.fills
      next.lease = reader.token
      reader.step = this.#mutant === 'born-after-load' || this.#mutant === 'born-at-commit' ? 'load' : 'born'
    }
  }

  #commit(next: State, index: number): void {
    const reader = next.readers[index]!
    const { epoch, clock } = reader.born ?? open(next)
    if (next.lease === reader.token) {
      next.data = { value: reader.value, epoch, born: clock, id: reader.token }
      next.lease = 0
      if (this.#knowledge.judge(this.#processOf(next, index).known, next.data) === 'alive') {
        this.#keep(next, index, next.data)
      }
    }
    this.#land(next, index, reader.value)
    this.#end(next, index, reader.value, reader.mustFetched)
  }

  #end(next: State, index: number, value: number, least: number): void {
    if (value < least) {
      const { level } = this.#scope.readers[index]!
      next.fault = `a ${level} read was answered v${value}, must be at least v${least}`
    }
    const { left, fills, control } = next.readers[index]!
    const kept = this.#mutant === 'control-from-before' ? control : null
    next.readers[index] = { ...IDLE, left, fills, control: kept }
  }

  #writer({ writer, origin }: State, add: Add): void {
    if (writer.step === 'idle' && writer.left > 0) {
      add(`writer: the origin commits v${origin + 1}`, (next) => {
        next.origin++
        next.writer = { step: 'bump', left: writer.left - 1 }
      })
    }
    if (writer.step === 'bump') {
      add('writer: BUMP x', (next) => {
        bump(next, 'x')
        next.writer.step = 'acknowledge'
      })
    }
    if (writer.step === 'acknowledge') {
      add(`writer: v${origin} is ACKNOWLEDGED`, (next) => {
        next.acknowledged = next.origin
        next.writer.step = 'idle'
      })
    }
  }

  #environment({ left, control, lease, log, trimmed }: State, add: Add): void {
    if (left.otherBumps > 0) {
      add('BUMP of another tag', (next) => {
        next.left.otherBumps--
        bump(next, 'another tag')
      })
    }
    if (left.prunes > 0 && control !== null && control.tag > 0) {
      add('a BUMP elsewhere prunes x', (next) => {
        next.left.prunes--
        next.control = { ...control, tag: 0, pruned: Math.max(control.pruned, control.tag) }
      })
    }
    if (left.losses > 0 && control !== null) {
      add('the control block is lost', (next) => {
        next.left.losses--
        next.control = null
      })
    }
    if (left.trims > 0 && log.length > trimmed) {
      add('the log is trimmed', (next) => {
        next.left.trims--
        next.trimmed = log.length
      })
    }
    if (left.expiries > 0 && lease !== 0) {
      add('the lease expires', (next) => {
        next.left.expiries--
        next.lease = 0
      })
    }
  }
}
