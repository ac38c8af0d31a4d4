import { CacheError, InvalidOptionError } from './errors.js'
import { checkFields, checkSignal } from './options.js'
import { parseCount } from './quantity.js'

export interface WarmOptions {
  /** Entries on their way at once. Default 10, at most 1000. */
  concurrency?: number
  /** Begins nothing more and rejects with the signal's reason; fills under way are aborted. */
  signal?: AbortSignal
  /** Called after each entry, with what was done so far. */
  onProgress?: (progress: WarmReport) => void
}

export interface WarmReport {
  /** Held now: filled, set, or there already. */
  readonly warmed: number
  readonly failed: number
  /** The first few errors. */
  readonly errors: readonly unknown[]
}

const MAX_CONCURRENCY = 1_000
const MAX_ERRORS = 10

/**
 * Runs `warmOne` for all items, a bounded number at once; items are taken from their source as places become free. One
 * that fails does not end the rest. Rejects if the signal aborts, the cache is closed, the source itself or `onProgress`
 * fails; then nothing more begins.
 */
export async function warmAll<T>(
  items: Iterable<T> | AsyncIterable<T>,
  options: WarmOptions,
  warmOne: (item: T, signal: AbortSignal | undefined) => Promise<unknown>,
): Promise<WarmReport> {
  const { concurrency, signal, onProgress } = checkWarmOptions(options)
  const source = iteratorOf(items)
  let warmed = 0
  const errors: unknown[] = []
  let failed = 0
  let isOver = false
  const report = (): WarmReport => ({ warmed, failed, errors: [...errors] })
  // One step at a time: an async source need not bear being asked twice at once.
  let turn: Promise<unknown> = Promise.resolve()
  const next = (): Promise<IteratorResult<T>> => {
    const step = turn.then(() => source.next())
    turn = step.catch(() => {})
    return step
  }
  const work = async (): Promise<void> => {
    while (!isOver) {
      signal?.throwIfAborted()
      const step = await next()
      if (step.done) return
      try {
        await warmOne(step.value, signal)
        warmed++
      } catch (error) {
        signal?.throwIfAborted()
        // Each of the rest would fail at once: an endless source would keep the process busy for ever.
        if (CacheError.is(error) && error.code === 'CACHE_CLOSED') throw error
        failed++
        if (errors.length < MAX_ERRORS) errors.push(error)
      }
      onProgress?.(report())
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, work))
  } finally {
    isOver = true
    await turn
    await source.return?.()
  }
  return report()
}

function checkWarmOptions(options: WarmOptions): WarmOptions & { concurrency: number } {
  const fields = checkFields(options, ['concurrency', 'signal', 'onProgress'], 'warm')
  const concurrency = fields.concurrency === undefined ? 10 : parseCount(fields.concurrency, 'warm.concurrency')
  if (concurrency > MAX_CONCURRENCY) {
    const rule = `must be at most ${MAX_CONCURRENCY}`
    throw new InvalidOptionError({ field: 'warm.concurrency', value: concurrency, rule })
  }
  const { signal, onProgress } = options
  checkSignal(signal, 'warm.signal')
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new InvalidOptionError({ field: 'warm.onProgress', value: onProgress, rule: 'must be a function' })
  }
  return { ...options, concurrency }
}

function iteratorOf<T>(items: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  if (typeof items === 'object' && items !== null) {
    if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]()
    if (Symbol.iterator in items) return items[Symbol.iterator]()
  }
  throw new InvalidOptionError({
    field: 'warm: items',
    value: items,
    rule: 'must be keys, or pairs of key and value: an array, a Map, or another iterable or async iterable',
  })
}
