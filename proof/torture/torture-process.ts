import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Consistency } from '../../src/index.js'
import type { FaultProxy } from '../../test/kit/fault-proxy.ts'

export type TortureRecord =
  | {
      readonly type: 'read'
      readonly client: number
      readonly key: string
      readonly level: Consistency
      /** Id of the acknowledgement whose receipt it was given. */
      readonly after: string | null
      readonly atMs: number
      readonly lagMs: number
      readonly value: number
    }
  | {
      readonly type: 'acknowledged'
      readonly client: number
      readonly key: string
      readonly version: number
      readonly atMs: number
      readonly id: string
    }

interface Receipt {
  readonly token: string
  readonly keys: readonly string[]
  readonly id: string
}

type Message =
  | { type: 'ready' }
  | { type: 'records'; records: TortureRecord[]; rejections: Record<string, number> }
  | { type: 'receipt'; receipt: Receipt }
  | { type: 'done'; id: number; error?: string }
  | { type: 'unhandled'; error: string }

/** One worker process and the proxy between it and Redis. */
export class TortureProcess {
  readonly proxy: FaultProxy
  readonly records: TortureRecord[] = []
  readonly problems: string[] = []
  rejections: Record<string, number> = {}
  onReceipt: (receipt: Receipt) => void = () => {}
  readonly #child: ChildProcess
  readonly #waiting = new Map<number | 'ready', { resolve: () => void; reject: (error: Error) => void }>()
  readonly #exited: Promise<unknown>
  #calls = 0

  constructor(worker: URL, proxy: FaultProxy, env: Record<string, string>) {
    this.proxy = proxy
    this.#child = fork(worker, { env: { ...process.env, ...env } })
    this.#child.on('message', (message) => this.#hear(message as Message))
    this.#exited = once(this.#child, 'exit').then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('A worker ended early.'))
    })
  }

  ready(): Promise<void> {
    return this.#wait('ready')
  }

  call(type: 'stop' | 'readAll'): Promise<void> {
    const id = ++this.#calls
    const done = this.#wait(id)
    this.#child.send({ type, id })
    return done
  }

  tell(receipt: Receipt): void {
    if (this.#child.connected) this.#child.send({ type: 'receipt', receipt })
  }

  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.send({ type: 'close', id: 0 })
    await this.#exited
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #wait(id: number | 'ready'): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  #hear(message: Message): void {
    switch (message.type) {
      case 'records':
        this.records.push(...message.records)
        this.rejections = message.rejections
        break
      case 'receipt':
        this.onReceipt(message.receipt)
        break
      case 'unhandled':
        this.problems.push(`a promise was rejected and nobody heard: ${message.error}`)
        break
      case 'ready':
        this.#settle('ready', undefined)
        break
      case 'done':
        this.#settle(message.id, message.error)
        break
      default:
        message satisfies never
    }
  }

  #settle(id: number | 'ready', error: string | undefined): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(new Error(error))
  }
}
