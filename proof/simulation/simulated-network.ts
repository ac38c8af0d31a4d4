import type { Delivery, DeliveryPhase, FakeClock, SeededRandom } from '../../src/testing/index.js'
import type { ProcessClock } from './process-clock.js'
import type { Fault } from './scenario.js'

/** Adapters differ in how many promises lie between their socket and the core. */
const MAX_PROMISES = 12

/** Longer than a command's deadline. */
const LATE_MS = 120

const OF_THE_LOG = ['logSince', 'tail', 'publish']

interface Link {
  readonly clock: ProcessClock
  /** When the last message of each kind arrives: a connection keeps their order. */
  readonly last: Record<DeliveryPhase, number>
  /** Counts the connections; a message of an earlier one arrives nowhere. */
  connection: number
  isCrashed: boolean
  /** The log cannot be read, or heard, whatever else can: the node of its slot is down. */
  isLogUnread: boolean
  /** A message takes at most so long, unless it is late. */
  latencyMs: number
  /** Its subscription is down. */
  isUnheard: boolean
  /** Called when its next look at a log is executed. */
  onSync: (() => void) | undefined
  /** Resolves when a partition is healed. */
  healed: Promise<void> | undefined
}

/** The network between processes and the twin server: every message takes its time, and may meet the scenario's faults. */
export class SimulatedNetwork {
  readonly #time: FakeClock
  readonly #random: SeededRandom
  readonly #faults: ReadonlySet<Fault>
  readonly #note: (what: string) => void
  readonly #latencyMs: number
  /** By client number, which counts from 1. */
  readonly #links: (Link | undefined)[] = [undefined]
  /** What arrives at one place at one moment arrives together, as the replies of one piece of TCP do. */
  readonly #pieces = new Map<string, (() => void)[]>()
  /** Resolves when a frozen server goes on. */
  serverFrozen: Promise<void> | undefined
  /** False once the faults are over. */
  isFaulty = true

  constructor(parts: {
    time: FakeClock
    random: SeededRandom
    faults: readonly Fault[]
    note: (what: string) => void
    latencyMs: number
  }) {
    this.#latencyMs = parts.latencyMs
    this.#time = parts.time
    this.#random = parts.random
    this.#faults = new Set(parts.faults)
    this.#note = parts.note
  }

  /** The next client's. */
  connect(clock: ProcessClock): Link {
    const last = { request: 0, reply: 0, push: 0 }
    const link: Link = {
      clock,
      last,
      latencyMs: this.#latencyMs,
      connection: 0,
      isCrashed: false,
      isLogUnread: false,
      isUnheard: false,
      onSync: undefined,
      healed: undefined,
    }
    this.#links.push(link)
    return link
  }

  /** Every connection breaks: what is under way is executed nowhere, or was and its caller cannot know. */
  resetAll(): void {
    for (const link of this.#links) if (link) link.connection++
  }

  readonly deliver = async (phase: DeliveryPhase, command: string, client: number): Promise<Delivery> => {
    const link = this.#links[client]!
    const { connection } = link
    if (link.isLogUnread && phase !== 'reply' && OF_THE_LOG.includes(command)) throw new Error('the log cannot be read')
    if (phase === 'push' && this.isFaulty && link.isUnheard) throw new Error('not subscribed')
    if (phase === 'push' && this.#happens('push-lost', 0.3)) throw new Error('lost')
    await this.#travel(link, phase, client)
    while (link.healed !== undefined) await link.healed
    if (phase === 'request') while (this.serverFrozen !== undefined) await this.serverFrozen
    if (phase !== 'request') {
      await new Promise<void>((resolve) => link.clock.whenRunning(resolve))
      if (link.isCrashed) return new Promise(() => {})
    }
    if (connection !== link.connection) throw new Error(`connection reset at the ${phase} of ${command}`)
    if (phase === 'request' && this.#happens('request-lost', 0.05)) return this.#lost(link, 'request', command)
    if (phase === 'reply' && this.#happens('reply-lost', 0.05)) return this.#lost(link, 'reply', command)
    if (phase === 'reply' && this.#happens('resent', 0.08)) return 'again'
    this.#note(`  ${client} ${command} ${phase === 'request' ? 'is executed' : 'arrives'}`)
    if (phase === 'request' && command === 'logSince') {
      const { onSync } = link
      link.onSync = undefined
      if (this.isFaulty) onSync?.()
    }
    if (phase !== 'request') for (let left = this.#random.integer(MAX_PROMISES); left > 0; left--) await undefined
    if (phase === 'push' && this.#happens('push-repeated', 0.3)) return 'again'
  }

  /** Told at once as a broken connection, or never. */
  #lost(link: Link, phase: DeliveryPhase, command: string): Promise<Delivery> {
    if (this.#random.next() < 0.5) return new Promise(() => {})
    link.connection++
    throw new Error(`connection reset at the ${phase} of ${command}`)
  }

  async #travel({ last, latencyMs }: Link, phase: DeliveryPhase, client: number): Promise<void> {
    const isLate = this.#happens('late', 0.04)
    const takesMs = this.#random.integer(isLate ? LATE_MS : latencyMs)
    let arrivesAt = this.#time.now() + takesMs
    if (!this.#faults.has('reordered')) arrivesAt = last[phase] = Math.max(last[phase], arrivesAt)
    await new Promise<void>((resolve) =>
      this.#inPiece(`${phase === 'request'} ${client} ${arrivesAt}`, arrivesAt, resolve),
    )
  }

  #inPiece(name: string, arrivesAt: number, arrive: () => void): void {
    const piece = this.#pieces.get(name)
    if (piece) {
      piece.push(arrive)
      return
    }
    const arriving = [arrive]
    this.#pieces.set(name, arriving)
    this.#time.setTimer(() => {
      this.#pieces.delete(name)
      for (const one of arriving) one()
    }, arrivesAt - this.#time.now())
  }

  #happens(fault: Fault, share: number): boolean {
    return this.isFaulty && this.#faults.has(fault) && this.#random.next() < share
  }
}

export type { Link }
