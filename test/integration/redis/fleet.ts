import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

interface Reply {
  readonly id: number | 'ready'
  readonly value?: unknown
  readonly error?: string
}

/** One process of a fleet; `call` runs one of the operations of `process.mjs` there. */
export class FleetProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number | 'ready', { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  #lastId = 0

  constructor(redisUrl: string) {
    const script = fileURLToPath(new URL('./process.mjs', import.meta.url))
    this.#child = fork(script, { env: { ...process.env, REDIS_URL: redisUrl } })
    this.#child.on('message', ({ id, value, error }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(error))
    })
  }

  ready(): Promise<unknown> {
    return this.#wait('ready')
  }

  call(name: string, args: object = {}): Promise<unknown> {
    const id = ++this.#lastId
    const reply = this.#wait(id)
    this.#child.send({ id, name, args })
    return reply
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    void this.call('stop').catch(() => {})
    await exited
  }

  #wait(id: number | 'ready'): Promise<unknown> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }
}

export async function startFleet(redisUrl: string, size: number): Promise<FleetProcess[]> {
  const fleet = Array.from({ length: size }, () => new FleetProcess(redisUrl))
  await Promise.all(fleet.map((one) => one.ready()))
  return fleet
}
