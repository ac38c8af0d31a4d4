import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Answer, type Task, work } from './maintenance-tasks.js'

const SCRIPT = new URL('./maintenance-worker.js', import.meta.url)

/** A worker that died is started anew once; after that this thread does its work. */
const MAX_DEATHS = 2

interface Waiting {
  readonly task: Task
  readonly resolve: (answer: never) => void
  readonly reject: (error: unknown) => void
}

/**
 * Long work in a thread of its own: reading a directory, looking for files that nobody knows, checking everything. The
 * thread begins with the first task, ends when there is none, and never keeps the process alive.
 */
export class Maintenance {
  readonly #waiting = new Map<number, Waiting>()
  readonly #inThisThread = new Set<Promise<unknown>>()
  readonly #hasWorker: boolean
  readonly #awaitsSweeps: boolean
  #worker: Worker | undefined
  #deaths = 0
  #lastId = 0
  #ending: Promise<unknown> | undefined

  /** `awaitsSweeps`: somebody waits for them as for everything else, so that the process must live that long. */
  constructor({ hasWorker, awaitsSweeps = false }: { hasWorker: boolean; awaitsSweeps?: boolean }) {
    this.#awaitsSweeps = awaitsSweeps
    // A bundle may hold this file and not the worker's.
    this.#hasWorker = hasWorker && SCRIPT.protocol === 'file:' && existsSync(SCRIPT)
  }

  run<T extends Task>(task: T, isSmall = false): Promise<Answer<T>> {
    if (isSmall || !this.#hasWorker || this.#deaths >= MAX_DEATHS) return this.#here(task)
    return new Promise<Answer<T>>((resolve, reject) => {
      const id = ++this.#lastId
      this.#waiting.set(id, { task, resolve, reject })
      this.#ask(id, task)
    })
  }

  async close(): Promise<void> {
    for (const { reject } of this.#waiting.values()) reject(new Error('the store was closed'))
    this.#waiting.clear()
    await this.#end()
    await this.#ending
    await Promise.allSettled(this.#inThisThread)
  }

  #here<T extends Task>(task: T): Promise<Answer<T>> {
    const answer = work(task)
    this.#inThisThread.add(answer)
    void answer.then(ignore, ignore).then(() => this.#inThisThread.delete(answer))
    return answer
  }

  #ask(id: number, task: Task): void {
    if (this.#deaths >= MAX_DEATHS) {
      this.#settle(id, this.#here(task))
      return
    }
    this.#worker ??= this.#begin()
    // Somebody waits for an opening; sweeping on the side keeps no process alive.
    if (task.task === 'sweep' && !this.#awaitsSweeps) this.#worker.unref()
    else this.#worker.ref()
    this.#worker.postMessage({ id, task })
  }

  #begin(): Worker {
    const worker = new Worker(SCRIPT)
    worker.on('message', ({ id, answer, error }: { id: number; answer: unknown; error: unknown }) => {
      this.#settle(id, error === undefined ? Promise.resolve(answer) : Promise.reject(error as Error))
    })
    worker.on('error', () => this.#died(worker))
    worker.on('exit', () => this.#died(worker))
    return worker
  }

  #settle(id: number, answer: Promise<unknown>): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    // The store was closed meanwhile.
    if (waiting === undefined) void answer.catch(() => {})
    else void answer.then(waiting.resolve as (answer: unknown) => void, waiting.reject)
    if (this.#waiting.size === 0) void this.#end()
  }

  /** What it was doing is done again: by another worker, then here. */
  #died(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#deaths++
    for (const [id, { task }] of this.#waiting) this.#ask(id, task)
  }

  #end(): Promise<unknown> | undefined {
    const worker = this.#worker
    this.#worker = undefined
    if (worker) this.#ending = worker.terminate()
    return this.#ending
  }
}

function ignore(): void {}
