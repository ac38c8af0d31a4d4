import type { BumpRequest, NamespaceId, StoredKey } from './ports/shared-tier.js'

/** Most keys in one row of the log. */
export const MAX_KEYS_PER_LOG_ROW = 256

/** What a row of the invalidation log says. `origin` names the operation that wrote it. */
export type LogEntry =
  | { type: 'entries'; namespace: NamespaceId; origin: string; soft: boolean; keys: readonly StoredKey[] }
  | {
      type: 'bump'
      namespace: NamespaceId
      origin: string
      soft: boolean
      clear: boolean
      tags: readonly string[]
      epoch: string
      clock: number
    }

export function encodeEntriesPayload(entry: Omit<Extract<LogEntry, { type: 'entries' }>, 'type'>): string {
  return JSON.stringify(['e', entry.namespace, entry.origin, entry.soft ? 1 : 0, entry.keys])
}

/** The client's part of a bump's payload; the server appends epoch and clock, which only it knows: see below. */
export function bumpPayloadHead(
  request: Pick<BumpRequest, 'namespace' | 'tags' | 'clear' | 'soft' | 'origin'>,
): string {
  const { namespace, tags, clear, soft, origin } = request
  return JSON.stringify(['b', namespace, origin, soft ? 1 : 0, clear ? 1 : 0, tags]).slice(0, -1)
}

/** What the server's script does in Lua: `head .. ',"' .. epoch .. '",' .. clock .. ']'`. */
export function completeBumpPayload(head: string, epoch: string, clock: number): string {
  return `${head},"${epoch}",${clock}]`
}

/** Undefined for a row that this version does not know. */
export function decodeLogPayload(payload: string): LogEntry | undefined {
  const row = parseArray(payload)
  const [kind, namespace, origin] = row
  if (typeof namespace !== 'string' || typeof origin !== 'string') return undefined
  if (kind === 'e' && isTexts(row[4])) {
    return { type: 'entries', namespace, origin, soft: row[3] === 1, keys: row[4] }
  }
  if (kind === 'b' && isTexts(row[5]) && typeof row[6] === 'string' && typeof row[7] === 'number') {
    const [, , , soft, clear, tags, epoch, clock] = row as [
      string,
      string,
      string,
      number,
      number,
      string[],
      string,
      number,
    ]
    return { type: 'bump', namespace, origin, soft: soft === 1, clear: clear === 1, tags, epoch, clock }
  }
  return undefined
}

function isTexts(value: unknown): value is StoredKey[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function parseArray(payload: string): unknown[] {
  try {
    const row: unknown = JSON.parse(payload)
    return Array.isArray(row) ? row : []
  } catch {
    return []
  }
}
