import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { HttpClient } from '../../apps/cold-chain/src/load/http-client.js'
import type { FaultProxy } from '../../test/kit/fault-proxy.ts'

export interface SoakInstanceOptions {
  /** The app's main.js. */
  readonly program: string
  readonly port: number
  /** Between this instance and Redis. */
  readonly line: FaultProxy
  readonly environment: Readonly<Record<string, string>>
}

/** One process of the app on a port of its own, which can be killed and started again. */
export class SoakInstance {
  readonly line: FaultProxy
  readonly url: string
  readonly client: HttpClient
  readonly #options: SoakInstanceOptions
  #child: ChildProcess | undefined

  constructor(options: SoakInstanceOptions) {
    this.#options = options
    this.line = options.line
    this.url = `http://127.0.0.1:${options.port}`
    this.client = new HttpClient(this.url)
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { program, port, line, environment } = this.#options
    const child = fork(program, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { PATH: process.env.PATH, ...environment, HOST: '127.0.0.1', PORT: String(port), REDIS_URL: line.url },
    })
    this.#child = child
    const ended = once(child, 'exit').then(() => undefined)
    if ((await Promise.race([once(child, 'message'), ended])) === undefined) {
      throw new Error('An instance ended before it listened: see its message above.')
    }
  }

  async close(): Promise<void> {
    await this.end('SIGTERM')
    await this.client.close()
  }

  /** Ends it at once, or in order. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}
