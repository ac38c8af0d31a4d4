import type { RedisAccess } from './redis-access.js'

/** Keys that Redis looks at in one step: below a millisecond of its time. */
const KEYS_PER_STEP = 1_000

export interface ScanStep {
  /** Where to go on; '0' = that was all. */
  readonly cursor: string
  readonly keys: readonly string[]
}

/** Walks the whole keyspace in steps; never blocks the server, and can go on later from any step's cursor. */
export async function* scanKeys(
  redis: RedisAccess,
  { match, from = '0', signal }: { match: string; from?: string; signal: AbortSignal },
): AsyncGenerator<ScanStep> {
  let cursor = from
  do {
    signal.throwIfAborted()
    const count = String(KEYS_PER_STEP)
    const [next, keys] = (await redis.command('SCAN', cursor, 'MATCH', match, 'COUNT', count)) as [string, string[]]
    cursor = next
    yield { cursor, keys }
  } while (cursor !== '0')
}

/** Text that a glob takes literally. */
export function globLiteral(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&')
}
