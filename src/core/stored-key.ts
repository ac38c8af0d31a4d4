import { createHash } from 'node:crypto'
import type { Key } from './ports/local-tier.js'
import type { NamespaceId, StoredKey } from './ports/shared-tier.js'

/** Text keys longer than this are kept by their SHA-256 everywhere, memory included. */
export const MAX_READABLE_KEY_LENGTH = 200

const HASH_LENGTH = 43
/** In front of the hash in a long key's stand-in, which is thereby too long to be a caller's own readable key. */
const STAND_IN = '\u0000'.repeat(MAX_READABLE_KEY_LENGTH + 1 - HASH_LENGTH)

/** `5:org-7`: the length in front makes the name prefix-free, so that no two (tenant, rest) pairs meet. */
export function namespaceId(tenant: string): NamespaceId {
  return `${tenant.length}:${tenant}`
}

/** The form in which every tier of this process knows a key: itself, unless it is long. */
export function canonicalKey(key: Key): Key {
  return typeof key === 'string' && key.length > MAX_READABLE_KEY_LENGTH ? STAND_IN + sha256(key) : key
}

/**
 * Injective over (namespace, policy, version, key), and reversible for a canonical key. The character behind the
 * policy's version tells the form: `|` text as it is, `#` integer, `~` hash of a long text, `=` JSON of a text that
 * is no valid Unicode (a lone surrogate would become U+FFFD in UTF-8 and meet another key).
 */
export function storedKey(spacePrefix: string, key: Key): StoredKey {
  if (typeof key === 'number') return `${spacePrefix}#${key}`
  if (key.length > MAX_READABLE_KEY_LENGTH) return `${spacePrefix}~${key.slice(-HASH_LENGTH)}`
  return key.isWellFormed() ? `${spacePrefix}|${key}` : `${spacePrefix}=${JSON.stringify(key)}`
}

/** The part of a stored key in front of the key itself: `5:org-7|unit-counts@1`. */
export function spacePrefix(namespace: NamespaceId, policyName: string, version: number): string {
  return `${namespace}|${policyName}@${version}`
}

/** What a stored key was made of; undefined for text that no `storedKey` made. */
export function parseStoredKey(stored: StoredKey): { spacePrefix: string; key: Key } | undefined {
  const colon = stored.indexOf(':')
  const tenantLength = Number(stored.slice(0, colon))
  if (colon < 1 || !Number.isSafeInteger(tenantLength)) return undefined
  const at = /^\|[a-z0-9][a-z0-9._-]*@\d+/i.exec(stored.slice(colon + 1 + tenantLength))
  if (!at) return undefined
  const end = colon + 1 + tenantLength + at[0].length
  const prefix = stored.slice(0, end)
  const rest = stored.slice(end + 1)
  switch (stored[end]) {
    case '|':
      return { spacePrefix: prefix, key: rest }
    case '#':
      return Number.isSafeInteger(Number(rest)) ? { spacePrefix: prefix, key: Number(rest) } : undefined
    case '~':
      return { spacePrefix: prefix, key: STAND_IN + rest }
    case '=': {
      const key = parseText(rest)
      return key === undefined ? undefined : { spacePrefix: prefix, key }
    }
    default:
      return undefined
  }
}

function parseText(json: string): string | undefined {
  try {
    const text: unknown = JSON.parse(json)
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined
  }
}

/** Hashes the UTF-16 code units, not UTF-8: two texts that differ only in lone surrogates stay two. */
function sha256(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'utf16le')).digest('base64url')
}
