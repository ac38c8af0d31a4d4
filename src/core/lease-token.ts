import { FILL_ID_LENGTH } from './envelope.js'

/** First character of what a failed fill leaves in place of its lease; no fill id begins with it. */
export const FAILURE_MARK = '!'

/** Longest code of a failure that is told to other processes. */
const MAX_CODE_LENGTH = 64

/**
 * What a fill writes into the lease key: its id, then, after a colon, how long it is expected to take in milliseconds.
 * A token is compared as a whole, so that only the fill that took a lease can use it.
 */
export function leaseToken(fillId: string, expectedMs: number | undefined): string {
  return expectedMs === undefined ? fillId : `${fillId}:${Math.round(expectedMs)}`
}

export function fillIdOfToken(token: string): string {
  return token.slice(0, FILL_ID_LENGTH)
}

/** How long the holder of a lease expected to take; undefined if it did not say. */
export function expectedMsOfToken(token: string): number | undefined {
  const match = /^.{16}:(\d{1,9})$/.exec(token)
  return match ? Number(match[1]) : undefined
}

/** The code in a lease key that a failed fill left behind; undefined for a lease. */
export function failureOfLease(lease: string | undefined): string | undefined {
  return lease?.startsWith(FAILURE_MARK) ? lease.slice(1) : undefined
}

/** What may be told of an error to another process: its code or its class, never its message, which may hold secrets. */
export function failureCodeOf(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown
    name?: unknown
  }
  for (const text of [code, name]) {
    if (typeof text === 'string' && text.length <= MAX_CODE_LENGTH && /^[\w.-]+$/.test(text)) return text
  }
  return 'Error'
}
