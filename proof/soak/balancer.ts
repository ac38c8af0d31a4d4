import type { HttpAnswer } from '../../apps/cold-chain/src/load/http-client.js'
import type { SoakInstance } from './soak-instance.ts'

export interface Asked {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly token: string
  readonly body?: unknown
  readonly after?: string | undefined
}

const OUT_MS = 500

/**
 * What stands in front of instances in any deployment: whoever refuses connections gets nothing for half a second, and
 * what may be repeated (a read, or what never left) goes to another one.
 */
export class Balancer {
  /** Calls that went to a second instance. */
  retried = 0
  readonly #instances: readonly SoakInstance[]
  readonly #random: () => number
  readonly #outUntil = new Map<SoakInstance, number>()

  constructor(instances: readonly SoakInstance[], random: () => number) {
    this.#instances = instances
    this.#random = random
  }

  async send(asked: Asked): Promise<HttpAnswer> {
    const tried = new Set<SoakInstance>()
    for (;;) {
      const instance = this.#choose(tried)
      tried.add(instance)
      try {
        return await instance.client.send(asked.method, asked.path, asked)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ECONNREFUSED') this.#outUntil.set(instance, performance.now() + OUT_MS)
        const mayRepeat = asked.method === 'GET' || code === 'ECONNREFUSED'
        if (!mayRepeat || tried.size === this.#instances.length) throw error
        this.retried++
      }
    }
  }

  #choose(tried: ReadonlySet<SoakInstance>): SoakInstance {
    const now = performance.now()
    const left = this.#instances.filter((instance) => !tried.has(instance))
    const up = left.filter((instance) => (this.#outUntil.get(instance) ?? 0) <= now)
    const among = up.length > 0 ? up : left
    return among[Math.floor(this.#random() * among.length)]!
  }
}
