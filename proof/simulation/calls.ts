import { CacheError } from '../../src/index.js'
import { RowGoneError } from './row-fills.js'
import type { SimulatedProcess, Simulation } from './simulation.js'

export interface TrackedCall {
  readonly what: string
  readonly process: SimulatedProcess
  readonly isRead: boolean
  /** Its caller gives up. */
  readonly signal?: AbortSignal | undefined
}

/** Calls under way: every one of them ends, and a broken tier rejects no read. */
export class Calls {
  readonly #simulation: Simulation
  /** With the clients who called. */
  readonly #underWay = new Map<string, number>()
  #started = 0

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** The number of a call that begins. */
  next(): number {
    return ++this.#started
  }

  get areUnderWay(): boolean {
    return this.#underWay.size > 0
  }

  track(call: Promise<unknown>, { what, process, isRead, signal }: TrackedCall): void {
    this.#underWay.set(what, process.client)
    call
      .catch((error: unknown) => {
        const told = `${what} rejected: ${String(error)}`
        this.#simulation.note(told)
        const isGivenUp = signal?.aborted && error === signal.reason
        if (isRead && !isGivenUp && !this.#mayReject(process, error)) this.#simulation.problem(told)
      })
      .finally(() => this.#underWay.delete(what))
  }

  /** Nobody waits for the calls of a process that is gone. */
  forget(client: number): void {
    for (const [call, caller] of this.#underWay) if (caller === client) this.#underWay.delete(call)
  }

  mustHaveEnded(when: string): void {
    for (const call of this.#underWay.keys()) this.#simulation.problem(`${call} never ended${when}`)
  }

  /** The fill's own failure is the caller's to see, here or from the process that filled. */
  #mayReject({ isClosing }: SimulatedProcess, error: unknown): boolean {
    const { faults, followers } = this.#simulation.scenario
    const [isSlow, isFailing] = [faults.includes('slow-fill'), faults.includes('failing-fill')]
    if (error instanceof RowGoneError) return isFailing
    if (!CacheError.is(error)) return false
    switch (error.code) {
      case 'FILL_TIMEOUT':
        return isSlow
      case 'REMOTE_FILL_FAILED':
        return isSlow || isFailing
      case 'FOLLOWER_TIMEOUT':
        return followers === 'throw'
      case 'CACHE_CLOSED':
        return isClosing
      default:
        return false
    }
  }
}
