import { parentPort, workerData } from 'node:worker_threads'
import { createPgliteEngine, type PgliteEngineOptions } from './pglite-engine.js'
import type { WorkerAnswer, WorkerRequest } from './pglite-thread.js'

// The embedded PostgreSQL in a thread of its own: a statement blocks its thread, and must not block the server's.
const port = parentPort
if (!port) throw new Error('pglite-worker.ts runs as a worker thread only')
const engine = await createPgliteEngine(workerData as PgliteEngineOptions)

port.on('message', (request: WorkerRequest) => {
  void answer(request).then((message) => port.postMessage(message))
})
port.postMessage({ id: 0, rows: [] } satisfies WorkerAnswer)

async function answer({ id, sql, parameters }: WorkerRequest): Promise<WorkerAnswer> {
  try {
    if (sql !== undefined) return { id, rows: await engine.run(sql, parameters ?? []) }
    await engine.close()
    return { id, rows: [] }
  } catch (error) {
    return { id, error: { message: (error as Error).message, code: (error as { code?: string }).code } }
  }
}
