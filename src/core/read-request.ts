import type { Wanted } from './job.js'

/** One call, checked: what is wanted, and who may give it up. */
export interface ReadRequest extends Wanted {
  readonly signal: AbortSignal | undefined
}
