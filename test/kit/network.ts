import type { Deliver, Delivery, DeliveryPhase } from '../../src/testing/index.js'

interface Rule {
  readonly phase: DeliveryPhase
  readonly command: string
  readonly client: number
  readonly reached: () => void
  readonly gone: Promise<Delivery>
}

/** One message that was stopped on its way. */
export interface Held {
  /** Resolves when the message is there. */
  readonly reached: Promise<void>
  /** Lets it go on. */
  release(): void
}

/** The network between caches and a twin server, on which a test can stop single messages. */
export class Network {
  readonly #rules: Rule[] = []

  readonly deliver: Deliver = (phase, command, client) => {
    const index = this.#rules.findIndex(
      (rule) => rule.phase === phase && rule.command === command && rule.client === client,
    )
    if (index < 0) return undefined
    const [rule] = this.#rules.splice(index, 1)
    rule!.reached()
    return rule!.gone
  }

  /** Stops the next such message. Clients are counted from 1 in the order in which their caches were made. */
  hold(phase: DeliveryPhase, command: string, client: number): Held {
    let reached!: () => void
    let release!: () => void
    const whenReached = new Promise<void>((resolve) => {
      reached = resolve
    })
    const gone = new Promise<void>((resolve) => {
      release = resolve
    })
    this.#rules.push({ phase, command, client, reached, gone })
    return { reached: whenReached, release }
  }

  /** The next such command is executed twice, as when a client sends it again on a new connection. */
  repeat(command: string, client: number): void {
    this.#rules.push({ phase: 'reply', command, client, reached: () => {}, gone: Promise.resolve('again') })
  }
}
