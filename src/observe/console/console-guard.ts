import { createHash, timingSafeEqual } from 'node:crypto'
import { InvalidOptionError } from '../../core/errors.js'
import type { ConsoleReply, ConsoleRequest } from './console-api.js'
import { refusal } from './console-replies.js'

/** What a request asks for: to look, or what needs the token: to change something, or to see a cached value. */
export type Wanted = 'look' | 'value' | 'change'

const MIN_TOKEN_LENGTH = 16

/**
 * Who may do what.
 *
 * | | no token is set | a token is set |
 * |---|---|---|
 * | look | from this machine only | with the token |
 * | a value, a change | nobody | with the token |
 *
 * Nothing is answered to a page of another origin, and nothing is changed by one.
 */
export class ConsoleGuard {
  readonly #token: Buffer | undefined

  constructor(token: string | undefined, field: string) {
    if (token !== undefined && (typeof token !== 'string' || token.length < MIN_TOKEN_LENGTH)) {
      // The value is a secret even if it is too short.
      const rule = `must be text of at least ${MIN_TOKEN_LENGTH} characters`
      throw new InvalidOptionError({ field, value: typeof token === 'string' ? '***' : token, rule })
    }
    this.#token = token === undefined ? undefined : digest(token)
  }

  get hasToken(): boolean {
    return this.#token !== undefined
  }

  /** Why not; undefined if it may. */
  refuse(request: ConsoleRequest, wanted: Wanted): ConsoleReply | undefined {
    if (isForeign(request)) return refusal(403, 'FOREIGN_ORIGIN', 'This page belongs to another origin.')
    if (this.#token !== undefined) {
      if (this.#isRight(request.headers.authorization)) return undefined
      return refusal(401, 'TOKEN_REQUIRED', 'Send the token of the console: authorization: Bearer <token>.')
    }
    if (!isOwnMachine(request)) {
      return refusal(403, 'TOKEN_UNSET', 'Without a token the console answers on its own machine only. Set one.')
    }
    if (wanted === 'look') return undefined
    return refusal(403, 'TOKEN_UNSET', 'Changes and values need a token. Start the console with one.')
  }

  #isRight(authorization: string | undefined): boolean {
    const given = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
    return given !== undefined && timingSafeEqual(digest(given), this.#token!)
  }
}

/** Of one length, so that they can be compared in constant time. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

/** A browser says where a request comes from; whoever is no browser has no page of another origin. */
function isForeign({ headers }: ConsoleRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin } = headers
  if (origin === undefined) return false
  try {
    return new URL(origin).host !== headers.host
  } catch {
    return true
  }
}

/**
 * From a loopback address and by a loopback name: a name of somebody else that resolves to 127.0.0.1 is an attack, and
 * behind a proxy everybody comes from loopback.
 */
function isOwnMachine({ remoteAddress, headers }: ConsoleRequest): boolean {
  const isLoopback = /^(127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/.test(remoteAddress ?? '')
  const isNamedSo = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(headers.host ?? '')
  return isLoopback && isNamedSo && !headers.forwarded && !headers['x-forwarded-for']
}
