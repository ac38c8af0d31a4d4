import { Worker } from 'node:worker_threads'
import { DatabaseError, type Parameter } from './database.js'
import type { PgliteEngine, PgliteEngineOptions } from './pglite-engine.js'
import { threadFile } from './thread-file.js'

/** Without `sql` it asks the thread to close the database. */
export interface WorkerRequest {
  readonly id: number
  readonly sql?: string
  readonly parameters?: readonly Parameter[]
}

export interface WorkerAnswer {
  readonly id: number
  readonly rows?: unknown[]
  readonly error?: { message: string; code: string | undefined }
}

interface Waiting {
  readonly resolve: (rows: unknown[]) => void
  readonly reject: (error: Error) => void
}

/** The engine in a worker thread. If the thread dies, what waits and what comes later fails with that reason. */
export async function startPgliteThread(options: PgliteEngineOptions): Promise<PgliteEngine> {
  const worker = new Worker(threadFile('pglite-worker.js'), { workerData: options, execArgv: [] })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let broken: Error | undefined

  const fail = (error: Error): void => {
    broken ??= error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const ask = (request: Omit<WorkerRequest, 'id'>, id = ++lastId): Promise<unknown[]> =>
    new Promise((resolve, reject) => {
      if (broken) return reject(broken)
      waiting.set(id, { resolve, reject })
      if (id > 0) worker.postMessage({ id, ...request } satisfies WorkerRequest)
    })

  worker.on('message', ({ id, rows, error }: WorkerAnswer) => {
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error) caller?.reject(new DatabaseError(error.message, error.code))
    else caller?.resolve(rows ?? [])
  })
  worker.on('error', (error) => fail(new DatabaseError('The embedded database failed.', undefined, { cause: error })))
  worker.on('exit', (code) =>
    fail(new DatabaseError(`The thread of the embedded database ended (code ${code}).`, undefined)),
  )

  await ask({}, 0)
  return {
    run: (sql, parameters) => ask({ sql, parameters }),
    async close() {
      if (!broken) await ask({})
      await worker.terminate()
    },
  }
}
