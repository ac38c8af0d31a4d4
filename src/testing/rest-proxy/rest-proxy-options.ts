import { InvalidOptionError } from '../../core/errors.js'
import { checkFields } from '../../core/options.js'
import { type Duration, parseBytes, parsePositiveDuration, type Size } from '../../core/quantity.js'
import type { RespServer } from './resp-client.js'

export interface RestProxyOptions {
  /** Address of the Redis behind it: `'redis://127.0.0.1:6379'`, with user, password and database if need be. */
  readonly redisUrl: string
  /** What callers must bring: at least 8 printable ASCII characters. */
  readonly token: string
  /** Default 0: a free one. */
  readonly port?: number | undefined
  /** Where it listens. Default '127.0.0.1': this machine only. */
  readonly host?: string | undefined
  /** `false`: EVAL and its kin are refused, as some proxies do. Default true. */
  readonly scripts?: boolean | undefined
  /** Requests with a larger body are refused. Default '10mb'. */
  readonly maxBodyBytes?: Size | undefined
  /** How long Redis may take for one request. Default '10s'. */
  readonly commandTimeout?: Duration | undefined
}

/** Checked options. */
export interface RestProxySettings {
  readonly redis: RespServer
  readonly token: string
  readonly port: number
  readonly host: string
  readonly scripts: boolean
  readonly maxBodyBytes: number
  readonly commandTimeoutMs: number
}

const FIELDS = ['redisUrl', 'token', 'port', 'host', 'scripts', 'maxBodyBytes', 'commandTimeout'] as const

export function checkRestProxyOptions(options: RestProxyOptions): RestProxySettings {
  checkFields(options, FIELDS, 'startRestProxy')
  return Object.freeze({
    redis: checkRedisUrl(options.redisUrl),
    token: check(
      options.token,
      (value) => typeof value === 'string' && /^[\x21-\x7e]{8,1000}$/.test(value),
      // The token itself is not repeated.
      { field: 'token', rule: 'must be 8 to 1000 printable ASCII characters', isSecret: true },
    ),
    port: check(options.port ?? 0, (value) => Number.isInteger(value) && value >= 0 && value <= 65_535, {
      field: 'port',
      rule: 'must be a port, 0 to 65535',
    }),
    host: check(options.host ?? '127.0.0.1', (value) => typeof value === 'string' && value !== '', {
      field: 'host',
      rule: 'must be an address to listen on',
    }),
    scripts: check(options.scripts ?? true, (value) => typeof value === 'boolean', {
      field: 'scripts',
      rule: 'must be true or false',
    }),
    maxBodyBytes: parseBytes(options.maxBodyBytes ?? '10mb', 'startRestProxy.maxBodyBytes'),
    commandTimeoutMs: parsePositiveDuration(options.commandTimeout ?? '10s', 'startRestProxy.commandTimeout'),
  })
}

function check<T>(
  value: T,
  isAllowed: (value: T) => boolean,
  { field, rule, isSecret = false }: { field: string; rule: string; isSecret?: boolean },
): T {
  if (isAllowed(value)) return value
  const shown = isSecret && typeof value === 'string' ? `(hidden, ${value.length} characters)` : value
  throw new InvalidOptionError({ field: `startRestProxy.${field}`, value: shown, rule })
}

function checkRedisUrl(value: unknown): RespServer {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  const database = url?.pathname.slice(1)
  if (url?.protocol !== 'redis:' || !url.hostname || !/^\d*$/.test(database!)) {
    throw new InvalidOptionError({
      field: 'startRestProxy.redisUrl',
      value: typeof value === 'string' ? '(hidden, it may hold a password)' : value,
      rule: "must be an address such as 'redis://127.0.0.1:6379' or 'redis://:password@host:6379/1'",
    })
  }
  const text = (part: string): string | undefined => (part === '' ? undefined : decodeURIComponent(part))
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    user: text(url.username),
    password: text(url.password),
    database: text(database!),
  }
}
