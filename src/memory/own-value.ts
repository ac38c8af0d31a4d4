import { CacheError } from '../core/errors.js'
import { deepFreeze } from './deep-freeze.js'
import type { ValueMode } from './memory-options.js'

/** The tier's own value of what a caller gave. */
export function own(value: unknown, values: ValueMode): unknown {
  if (values === 'frozen') {
    deepFreeze(value)
    return value
  }
  try {
    return clone(value)
  } catch (cause) {
    throw new CacheError(
      'UNSERIALISABLE_VALUE',
      "A value cannot be kept: memoryTier({ values: 'cloned' }) copies it, and it holds what has no copy, such as a " +
        "function, a promise or a WeakMap. Store plain data, or take 'reference' or 'frozen'.",
      { cause },
    )
  }
}

/** A copy that nobody else can change; primitives need none. */
export function clone(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value
}
