import type { Reads } from './reads.js'
import type { Row } from './rows.js'
import { MAX_STALENESS_MS } from './scenario.js'
import type { SimulatedProcess, Simulation } from './simulation.js'
import type { Writes } from './writes.js'

/** Two lines of one moment: what is on the slow one is overtaken. */
const SLOW_LINE_MS = 14
const FAST_LINE_MS = 2

/** Looked up when they act: after a crash another is in their place. */
interface Actors {
  readonly writer: () => SimulatedProcess
  readonly reader: () => SimulatedProcess
}

/**
 * What chance alone brings about too rarely: a process cannot read the log any more, right after it has looked at it. At
 * once another one changes what that one still believes, or fills; and just when its bound ends one caller after the other
 * comes, each with a bound that ends a little later.
 */
export class AimedCalls {
  readonly #simulation: Simulation
  readonly #reads: Reads
  readonly #writes: Writes

  constructor(simulation: Simulation, { reads, writes }: { reads: Reads; writes: Writes }) {
    this.#simulation = simulation
    this.#reads = reads
    this.#writes = writes
  }

  play(index: number, beginUnread: (process: SimulatedProcess) => void): void {
    const { random, rows, processes } = this.#simulation
    const row = rows.aimed[random.integer(rows.aimed.length)]!
    const another = rows.called.find(({ tenant }) => tenant === row.tenant)!
    const reader = (): SimulatedProcess => processes[index]!
    const writer = (): SimulatedProcess => processes[(index + 1) % processes.length]!
    const isFollowed = random.integer(3) === 0
    this.#after(0, writer, (process) => this.#writes.playKey(process, row))
    if (!isFollowed) this.#after(50, writer, (process) => this.#reads.readPlainly(process, row))
    // Who reads anything of the tenant knows its clocks, and goes on looking at the log.
    for (let delayMs = 80; delayMs < 200; delayMs += 20) {
      this.#after(delayMs, reader, (process) => this.#reads.readPlainly(process, another))
    }
    this.#after(150, reader, (process) => {
      process.link.latencyMs = FAST_LINE_MS
      process.link.isUnheard = true
      process.link.onSync = () => {
        beginUnread(process)
        process.link.latencyMs = SLOW_LINE_MS
        this.#after(0, writer, ({ link }) => {
          link.latencyMs = FAST_LINE_MS
        })
        if (isFollowed) this.#followedFill(row, { writer, reader })
        else this.#joinedRead(row, { writer, reader })
      }
    })
  }

  /** What is stored is changed at once; the value is on its way to its reader when the bound ends. */
  #joinedRead(row: Row, { writer, reader }: Actors): void {
    const { random } = this.#simulation
    this.#after(1, writer, (process) => this.#writes.playTag(process, row))
    // The first is within its bound; memory has nothing for it, and it takes a while.
    const firstMs = MAX_STALENESS_MS - 4 - random.integer(SLOW_LINE_MS)
    this.#readOften(row, reader, { firstMs, forMs: 40 })
  }

  /** A fill reads the row before it is changed, and ends when readers come whose bound began after the change. */
  #followedFill(row: Row, { writer, reader }: Actors): void {
    const { random, fills } = this.#simulation
    this.#after(1, writer, (process) => {
      fills.nextTakesMs = 100 + random.integer(60)
      this.#reads.readPlainly(process, row)
    })
    this.#after(30, writer, (process) => this.#writes.playTag(process, row))
    this.#readOften(row, reader, { firstMs: MAX_STALENESS_MS + 32, forMs: 40 })
  }

  #readOften(row: Row, reader: () => SimulatedProcess, { firstMs, forMs }: { firstMs: number; forMs: number }): void {
    for (let delayMs = firstMs; delayMs < firstMs + forMs; delayMs += 1 + this.#simulation.random.integer(4)) {
      this.#after(delayMs, reader, (process) => this.#reads.readPlainly(process, row))
    }
  }

  /** Unless all is healed by then, or whoever it was cannot call. */
  #after(delayMs: number, who: () => SimulatedProcess, run: (process: SimulatedProcess) => void): void {
    this.#simulation.time.setTimer(() => {
      const process = who()
      if (this.#simulation.network.isFaulty && !process.clock.isFrozen && !process.isClosing) run(process)
    }, delayMs)
  }
}
