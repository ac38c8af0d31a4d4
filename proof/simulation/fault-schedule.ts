import type { Fault } from './scenario.js'
import type { SimulatedProcess, Simulation } from './simulation.js'

/** Faults that come and go by themselves; those of single messages are the network's. */
export class FaultSchedule {
  readonly #simulation: Simulation
  /** What ends the faults under way. */
  readonly #ends = new Set<() => void>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
    for (const fault of simulation.scenario.faults) {
      const begin = this.#begins[fault]
      if (begin === undefined) continue
      for (let times = 1 + simulation.random.integer(4); times > 0; times--) {
        simulation.time.setTimer(begin, simulation.random.integer(simulation.scenario.durationMs))
      }
    }
    if (simulation.scenario.aimed) this.#aim()
  }

  /** Logs that cannot be read just when the bound of their process matters most; one after the other. */
  #aim(): void {
    const { random, time, scenario } = this.#simulation
    for (let delayMs = random.integer(50); delayMs < scenario.durationMs - 400; delayMs += 450) {
      const index = this.#anyIndex()
      time.setTimer(() => this.#simulation.aim(index, (process) => this.#unreadLog(process, 200)), delayMs)
    }
  }

  #unreadLog({ link, client }: SimulatedProcess, leastMs = 0): void {
    if (link.isLogUnread) return
    link.isLogUnread = true
    this.#lasts(
      `unread log of ${client}`,
      250,
      () => {
        link.isLogUnread = link.isUnheard = false
      },
      leastMs,
    )
  }

  heal(): void {
    this.#simulation.network.isFaulty = false
    for (const end of [...this.#ends]) end()
  }

  readonly #begins: Partial<Record<Fault, () => void>> = {
    reset: () => {
      const { link, client } = this.#anyProcess()
      this.#simulation.note(`reset ${client}`)
      link.connection++
    },
    partition: () => {
      const { link, client } = this.#anyProcess()
      if (link.healed !== undefined) return
      let heal!: () => void
      link.healed = new Promise((resolve) => {
        heal = resolve
      })
      this.#lasts(`partition of ${client}`, 250, () => {
        link.healed = undefined
        heal()
      })
    },
    'server-frozen': () => {
      const { network } = this.#simulation
      if (network.serverFrozen !== undefined) return
      let thaw!: () => void
      network.serverFrozen = new Promise((resolve) => {
        thaw = resolve
      })
      this.#lasts('frozen server', 200, () => {
        network.serverFrozen = undefined
        thaw()
      })
    },
    'process-frozen': () => {
      const { clock, client } = this.#anyProcess()
      if (clock.isFrozen) return
      clock.freeze()
      this.#lasts(`frozen process ${client}`, 400, () => clock.thaw())
    },
    crash: () => this.#simulation.crash(this.#anyIndex(), false),
    'power-cut': () => this.#simulation.crash(this.#anyIndex(), true),
    restart: () => this.#simulation.restart(this.#anyIndex()),
    'log-unread': () => this.#unreadLog(this.#anyProcess()),
    trim: () => {
      const keep = this.#simulation.random.integer(3)
      this.#simulation.note(`log trimmed to ${keep}`)
      this.#simulation.server.trimLog(keep)
    },
    'log-lost': () => {
      this.#simulation.note('log lost')
      this.#simulation.server.database('simulation').logs.length = 0
    },
    eviction: () => {
      const { server, random } = this.#simulation
      const kind = (['data', 'leases', 'controls'] as const)[random.integer(3)]!
      this.#simulation.note(`eviction of ${kind}`)
      const { data, leases, controls } = server.database('simulation')
      for (const name of { data, leases, controls }[kind].keys()) server.evict(name, kind)
    },
    flush: () => {
      this.#simulation.note('FLUSHALL')
      this.#simulation.server.flushAll()
    },
    failover: () => {
      const { server, network, time } = this.#simulation
      const sinceMs = time.now()
      const failOver = server.replica()
      this.#lasts('replica that lags', 120, () => {
        failOver()
        network.resetAll()
        this.#simulation.forgive(sinceMs)
      })
    },
    'wall-jump': () => {
      const { clock, client } = this.#anyProcess()
      clock.wallOffsetMs += (this.#simulation.random.next() - 0.5) * 7_200_000
      this.#simulation.note(`wall clock of ${client} jumps`)
    },
    'server-clock-jump': () => {
      // A failover to a server whose clock is behind is A9, and not promised.
      const isForward = this.#simulation.scenario.faults.includes('failover') || this.#simulation.random.next() < 0.5
      this.#simulation.serverOffsetMs += isForward ? 50_000 : -this.#simulation.random.integer(5_000)
      this.#simulation.note(`server clock at ${this.#simulation.serverOffsetMs} ms`)
    },
  }

  #anyProcess(): SimulatedProcess {
    return this.#simulation.processes[this.#anyIndex()]!
  }

  #anyIndex(): number {
    const { processes, random } = this.#simulation
    return random.integer(processes.length)
  }

  /** The fault ends after a while, or when everything is healed. */
  #lasts(what: string, atMostMs: number, stop: () => void, leastMs = 1): void {
    const { random, time } = this.#simulation
    this.#simulation.note(`${what} begins`)
    const end = (): void => {
      if (!this.#ends.delete(end)) return
      this.#simulation.note(`${what} ends`)
      stop()
    }
    this.#ends.add(end)
    time.setTimer(end, Math.max(leastMs, 1 + random.integer(atMostMs)))
  }
}
