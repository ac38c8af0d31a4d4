import { type Inspection, inspect } from './inspect.js'
import { type Recovered, recover } from './recover.js'
import { type Swept, sweep } from './sweep.js'

/** What the worker can be asked for. */
export type Task =
  | { readonly task: 'recover'; readonly directory: string; readonly seed: number }
  | { readonly task: 'sweep'; readonly directory: string; readonly live: readonly string[]; readonly before: number }
  | { readonly task: 'inspect'; readonly directory: string }

export type Answer<T extends Task> = T extends { task: 'recover' }
  ? Recovered
  : T extends { task: 'sweep' }
    ? Swept
    : Inspection

export async function work<T extends Task>(task: T): Promise<Answer<T>> {
  return (await answer(task)) as Answer<T>
}

async function answer(task: Task): Promise<Recovered | Swept | Inspection> {
  switch (task.task) {
    case 'recover':
      return recover(task.directory, task.seed)
    case 'sweep':
      return sweep(task.directory, task.live, task.before)
    case 'inspect':
      return inspect(task.directory)
    default:
      return task satisfies never
  }
}
