import type {
  DiskEntry,
  DiskNote,
  DiskTier,
  DiskTierContext,
  DiskTierDefinition,
  DiskUsage,
  DiskWrite,
} from '../../src/core/ports/disk-tier.js'
import { DiskTime } from '../../src/disk/disk-time.js'
import type { SeededRandom } from '../../src/testing/index.js'

/** One record on its way into the directory, or in it. Those of a batch are there whole, or not at all. */
type Record =
  | { readonly type: 'entry'; readonly key: string; readonly held: DiskEntry; readonly isLast: boolean }
  | { readonly type: 'note'; readonly key: string; readonly held: DiskEntry; readonly isLast: boolean }
  | { readonly type: 'removed'; readonly key: string; readonly isLast: boolean }
  | { readonly type: 'softened'; readonly key: string; readonly untilMs: number; readonly isLast: boolean }
  /** A deletion could not be written: no entry before it is believed. */
  | { readonly type: 'barrier'; readonly isLast: boolean }

/** What happens to one disk: how long a hop takes, and whether an operation fails. */
export interface DiskWeather {
  readonly random: SeededRandom
  readonly isSlow: () => boolean
  readonly isFailing: () => boolean
  readonly maxEntryBytes: number
}

/** A directory that outlives the processes that use it. */
export class SimulatedDirectory {
  readonly #weather: DiskWeather
  readonly #isPowerSafe: boolean
  records: Record[] = []
  /** So many of them survive a power cut. */
  synced = 0
  boot = 1
  #user: SimulatedDisk | undefined

  constructor(weather: DiskWeather) {
    this.#weather = weather
    this.#isPowerSafe = weather.random.integer(4) === 0
  }

  tier(): DiskTierDefinition {
    const open = (context: DiskTierContext): DiskTier => {
      this.#user = new SimulatedDisk(this, context, this.#weather, this.#isPowerSafe)
      return this.#user
    }
    return { kind: 'local', name: 'disk', open }
  }

  /** The process is gone: of what was on its way some is there, and after a power cut only what was synced, or more. */
  crash(isPowerCut: boolean): void {
    const { random } = this.#weather
    const onTheWay = this.#user?.abandon() ?? []
    this.records.push(...onTheWay.slice(0, random.integer(onTheWay.length + 1)))
    if (isPowerCut) {
      this.boot++
      const least = this.#isPowerSafe ? this.records.length - onTheWay.length : this.synced
      this.records.length = Math.max(this.synced, least + random.integer(this.records.length - least + 1))
    }
    // A batch that was cut is not there.
    while (this.records.length > 0 && !this.records.at(-1)!.isLast) this.records.pop()
    this.synced = Math.min(this.synced, this.records.length)
  }
}

/**
 * The disk tier's twin: what it promises to the core, on the time line of the simulation. What is stored or deleted
 * counts at once for its own process; it reaches the directory a little later, in order.
 */
class SimulatedDisk implements DiskTier {
  readonly kind = 'local'
  readonly name = 'disk'
  readonly isPowerSafe: boolean
  readonly bootId: string
  readonly maxEntryBytes: number
  readonly opened: Promise<boolean>
  state: DiskTier['state'] = 'opening'
  readonly #directory: SimulatedDirectory
  readonly #context: DiskTierContext
  readonly #weather: DiskWeather
  readonly #time: DiskTime
  readonly #entries = new Map<string, DiskEntry>()
  readonly #notes = new Map<string, DiskEntry>()
  #queue: Record[] = []
  #flushing: Promise<void> | undefined
  #isAbandoned = false

  constructor(directory: SimulatedDirectory, context: DiskTierContext, weather: DiskWeather, isPowerSafe: boolean) {
    this.#directory = directory
    this.#context = context
    this.#weather = weather
    this.isPowerSafe = isPowerSafe
    this.maxEntryBytes = weather.maxEntryBytes
    this.bootId = `boot-${directory.boot}`
    this.#time = new DiskTime(context.clock)
    this.opened = this.#pause().then(() => this.#open())
  }

  /** Records that are on their way; nothing of this process reaches the directory any more. */
  abandon(): Record[] {
    this.#isAbandoned = true
    return this.#queue
  }

  nowMs(): number {
    return this.#time.nowMs()
  }

  mark(): number {
    return this.#time.nextSequence()
  }

  async read(keys: readonly string[]): Promise<(DiskEntry | undefined)[]> {
    await this.opened
    const found = keys.map((key) => this.#alive(this.#entries.get(key)))
    await this.#pause()
    return this.#weather.isFailing() ? keys.map(() => undefined) : found
  }

  async write(entries: readonly DiskWrite[]): Promise<boolean> {
    if (this.#weather.isFailing()) {
      void this.remove(entries.map(({ key }) => key))
      return false
    }
    const records = entries.map(({ key, envelope, keepMs, isSoft }, index): Record => {
      const sequence = this.mark()
      const held = { envelope, isSoft, sequence, expiresAtMs: this.nowMs() + keepMs }
      this.#entries.set(key, held)
      return { type: 'entry', key, held, isLast: index === entries.length - 1 }
    })
    return this.#push(records)
  }

  async remove(keys: readonly string[]): Promise<boolean> {
    for (const key of keys) this.#entries.delete(key)
    const isFailing = this.#weather.isFailing()
    await this.#push(
      isFailing ? [{ type: 'barrier', isLast: true }] : keys.map((key) => ({ type: 'removed', key, isLast: true })),
    )
    return !isFailing
  }

  async soften(keys: readonly string[], keepMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const untilMs = this.nowMs() + keepMs
    for (const key of keys) this.#soften(key, untilMs)
    return this.#push(keys.map((key) => ({ type: 'softened', key, untilMs, isLast: true })))
  }

  #soften(key: string, untilMs: number): void {
    const held = this.#entries.get(key)
    if (held === undefined || held.isSoft) return
    this.#entries.set(key, { ...held, isSoft: true, expiresAtMs: Math.min(held.expiresAtMs, untilMs) })
  }

  async readNotes(names: readonly string[]): Promise<(string | undefined)[]> {
    await this.opened
    const found = names.map((name) => this.#alive(this.#notes.get(name))?.envelope)
    await this.#pause()
    return found
  }

  async writeNotes(notes: readonly DiskNote[]): Promise<boolean> {
    const records = notes.map(({ name, text, keepMs }, index): Record => {
      const expiresAtMs = keepMs === undefined ? Number.POSITIVE_INFINITY : this.nowMs() + keepMs
      const held = { envelope: text, isSoft: false, sequence: this.mark(), expiresAtMs }
      this.#notes.set(name, held)
      return { type: 'note', key: name, held, isLast: index === notes.length - 1 }
    })
    return this.#push(records)
  }

  async sync(): Promise<boolean> {
    if (this.state !== 'open') return false
    await this.#flushed()
    const { length } = this.#directory.records
    await this.#pause()
    if (!this.#isAbandoned) this.#directory.synced = Math.max(this.#directory.synced, length)
    return true
  }

  usage(): DiskUsage {
    const counts = { bytes: 0, maxEntries: 0, maxBytes: 0, evicted: 0, refused: 0, damaged: 0, errors: 0 }
    return { entries: this.#entries.size, ...counts, reads: 'closed', writes: 'closed' }
  }

  async close(): Promise<void> {
    await this.opened
    await this.#flushed()
    this.state = 'closed'
  }

  #open(): boolean {
    for (const record of this.#directory.records) {
      this.#time.continueFrom('held' in record ? record.held.sequence : 0)
      if (record.type === 'entry') this.#entries.set(record.key, record.held)
      else if (record.type === 'note') this.#notes.set(record.key, record.held)
      else if (record.type === 'barrier') this.#entries.clear()
      else if (record.type === 'removed') this.#entries.delete(record.key)
      else this.#soften(record.key, record.untilMs)
    }
    this.state = 'open'
    return true
  }

  #alive(held: DiskEntry | undefined): DiskEntry | undefined {
    return held !== undefined && this.nowMs() < held.expiresAtMs ? held : undefined
  }

  /** True when the directory has them. */
  async #push(records: readonly Record[]): Promise<boolean> {
    if (this.state !== 'open') return false
    this.#queue.push(...records)
    await this.#flushed()
    return true
  }

  async #flushed(): Promise<void> {
    while (this.#queue.length > 0 || this.#flushing !== undefined) {
      this.#flushing ??= this.#flush()
      await this.#flushing
    }
  }

  async #flush(): Promise<void> {
    const group = this.#queue.length
    await this.#pause()
    this.#flushing = undefined
    if (!this.#isAbandoned) this.#directory.records.push(...this.#queue.splice(0, group))
  }

  #pause(): Promise<void> {
    const { random, isSlow } = this.#weather
    return new Promise((resolve) => {
      this.#context.clock.setTimer(resolve, random.integer(isSlow() ? 80 : 4))
    })
  }
}
