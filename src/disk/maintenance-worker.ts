import { parentPort } from 'node:worker_threads'
import { type Task, work } from './maintenance-tasks.js'
import type { Recovered } from './recover.js'

parentPort!.on('message', ({ id, task }: { id: number; task: Task }) => {
  work(task).then(
    (answer) => parentPort!.postMessage({ id, answer }, buffersOf(task, answer)),
    (error: unknown) => parentPort!.postMessage({ id, error }),
  )
})

/** Handed over, not copied. */
function buffersOf({ task }: Task, answer: unknown): ArrayBuffer[] {
  if (task !== 'recover') return []
  return (answer as Recovered).index.shards.map(({ rows }) => rows.buffer as ArrayBuffer)
}
