import { errorText } from '../../core/error-text.js'
import { CacheError } from '../../core/errors.js'
import type { ConsoleReply } from './console-api.js'

const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

export function answer(body: object, status = 200): ConsoleReply {
  return { status, headers: HEADERS, body: JSON.stringify(body) }
}

export function refusal(status: number, code: string, message: string): ConsoleReply {
  return answer({ code, message }, status)
}

/** A mistake in the call is 400; a broken tier is 502; neither says more than it must. */
export function failure(error: unknown): ConsoleReply {
  if (!CacheError.is(error)) return refusal(500, 'INTERNAL', 'The console could not answer.')
  if (error.code === 'SHARED_TIER_FAILED' || error.code === 'SHARED_TIER_TIMEOUT') {
    return refusal(502, error.code, errorText(error))
  }
  return refusal(error.code === 'CACHE_CLOSED' ? 503 : 400, error.code, errorText(error))
}
