import cluster, { type Worker } from 'node:cluster'

export interface InstancesOptions {
  /** What each process runs. */
  readonly file: string
  readonly count: number
  readonly environmentOf: (number: number) => Record<string, string>
  /** Something happened that a person wants to know. */
  readonly told: (line: string) => void
}

const RESTART_MS = 1_000
const GIVE_UP_AFTER = 3
const STOP_MS = 10_000

/**
 * Processes that share one port, through `node:cluster`: connections go to them in turn. One that dies is replaced by one
 * with the same number, and only after it is gone: no two ever have the same number, so the one that runs the sensors is
 * the only one that does.
 */
export class Instances {
  readonly #options: InstancesOptions
  readonly #running = new Map<number, Worker>()
  readonly #failures = new Map<number, number>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #isStopping = false

  constructor(options: InstancesOptions) {
    this.#options = options
    cluster.setupPrimary({ exec: options.file, args: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }

  /** The first one alone: it fills the database, and the others find it full. */
  async start(): Promise<void> {
    const numbers = Array.from({ length: this.#options.count }, (_, index) => index + 1)
    await this.#start(numbers[0]!)
    await Promise.all(numbers.slice(1).map((number) => this.#start(number)))
  }

  /** Number and process id of each that runs. */
  list(): { number: number; pid: number }[] {
    const running = [...this.#running].sort(([a], [b]) => a - b)
    return running.map(([number, { process }]) => ({ number, pid: process.pid ?? 0 }))
  }

  /** Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true
    for (const timer of this.#restarts) clearTimeout(timer)
    await Promise.all([...this.#running.values()].map(endWorker))
  }

  kill(): void {
    this.#isStopping = true
    for (const { process } of this.#running.values()) process.kill('SIGKILL')
  }

  /** Resolves when it listens. */
  #start(number: number): Promise<void> {
    if (this.#isStopping) return Promise.resolve()
    const worker = cluster.fork(this.#options.environmentOf(number))
    this.#running.set(number, worker)
    return new Promise((resolve, reject) => {
      worker.on('message', () => {
        this.#failures.delete(number)
        resolve()
      })
      worker.once('exit', (code, signal) => {
        this.#running.delete(number)
        reject(new Error(`Instance ${number} ended (${signal ?? code}) before it listened: see its message above.`))
        this.#replace(number, signal ?? `exit code ${code}`)
      })
    })
  }

  #replace(number: number, cause: string): void {
    if (this.#isStopping) return
    const failures = (this.#failures.get(number) ?? 0) + 1
    this.#failures.set(number, failures)
    if (failures > GIVE_UP_AFTER) {
      this.#options.told(`instance ${number}  ended (${cause}) ${failures} times in a row: given up`)
      return
    }
    this.#options.told(`instance ${number}  ended (${cause}); another one starts`)
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#start(number).then(
        () => this.#options.told(`instance ${number}  pid ${this.#running.get(number)?.process.pid}`),
        () => {},
      )
    }, RESTART_MS)
    this.#restarts.add(timer)
  }
}

async function endWorker(worker: Worker): Promise<void> {
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  worker.process.kill('SIGTERM')
  const tooLong = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS)
  await exited
  clearTimeout(tooLong)
}
