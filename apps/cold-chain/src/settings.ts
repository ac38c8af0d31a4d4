import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Everything that can be set from outside, read once. README.md lists the variables. */
export interface Settings {
  readonly host: string
  /** 0 = any free port. */
  readonly port: number
  /** Home of the embedded database, its lock and the session secret. */
  readonly dataDirectory: string
  /** Connection string of a real PostgreSQL; without it the embedded one is used. */
  readonly databaseUrl: string | undefined
  readonly databaseSchema: string
  /** How this process is called where several of them serve one port; answers and the board tell it. */
  readonly instance: string | undefined
  /** An alert that nobody has acknowledged for this long escalates. None = alerts don't. */
  readonly escalateAfterMs: number | undefined
  /** Instances tell each other of invalidations over Socket.IO as well. */
  readonly secondBus: boolean
  /** False = sockets are websockets only: requests of one long poll may reach different processes. */
  readonly longPolling: boolean
  readonly cache: CacheSettings
  readonly demo: DemoSettings
  readonly offlineAfterMs: number
  readonly keepReadingsMs: number
  readonly sessionSecret: string | undefined
  /** What changes through the console need; without it the console only shows, and only to this machine. */
  readonly consoleToken: string | undefined
  readonly eventNames: EventNames
  readonly logLevel: string
}

export interface CacheSettings {
  /** `off` sends every dashboard query to the database, to compare. */
  readonly mode: 'off' | 'memory' | 'memory+shared' | 'shared'
  readonly ttlSeconds: number
  readonly memory: `${number}mb`
  readonly redis: RedisAddress | undefined
}

export type RedisAddress = { readonly url: string } | { readonly host: string; readonly port: number }

export interface DemoSettings {
  readonly organisations: number
  readonly sitesPerOrganisation: number
  readonly unitsPerOrganisation: number
  /** Simulated sensors write readings. */
  readonly simulator: boolean
  readonly readingIntervalMs: number
  /** Share of the readings that change a unit's state, roughly. */
  readonly stateChangeRatio: number
  /** Simulated people who open dashboards, per second, in this process. */
  readonly viewersPerSecond: number
}

/** Names of the Socket.IO events. */
export interface EventNames {
  readonly unitUpdate: string
  readonly alertCreated: string
  readonly alertUpdated: string
  readonly alertResolved: string
  readonly deviceStatusChange: string
  readonly sensorReadings: string
}

/** A variable has a value that is not allowed. Its message names all of them, one a line. */
export class SettingsError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
  }
}

const APP_FOLDER = fileURLToPath(new URL('..', import.meta.url))
const EVENT_NAME = /^[A-Za-z][A-Za-z0-9:._-]{0,63}$/
const RESERVED_EVENTS = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'cacheMetrics']

/** @throws SettingsError if a variable is not allowed; nothing is replaced by a default silently. */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const read = new Reader(environment)
  const redis = readRedis(read)
  const simulated = read.oneOf('SIMULATOR', ['on', 'viewers', 'off'], 'on')
  const viewersPerSecond = read.number('VIEWERS_PER_SECOND', 5, 0, 1_000)
  const organisations = read.whole('ORGS', 12, 1, 10_000)
  const sitesPerOrganisation = read.whole('SITES_PER_ORG', 3, 1, 100)
  const settings: Settings = {
    host: read.text('HOST', '127.0.0.1', /^[A-Za-z0-9.:_-]+$/, 'a host name or address'),
    port: read.whole('PORT', 3000, 0, 65_535),
    dataDirectory: resolve(APP_FOLDER, read.raw('DATA_DIR') ?? 'data'),
    databaseUrl: read.text(
      'DATABASE_URL',
      undefined,
      /^postgres(ql)?:\/\/./,
      "a connection string that begins with 'postgres://'",
    ),
    databaseSchema: read.text('DATABASE_SCHEMA', 'cold_chain', /^[a-z_][a-z0-9_]{0,62}$/, 'a lower-case SQL name'),
    instance: read.text('INSTANCE', undefined, /^[A-Za-z0-9._-]{1,32}$/, '1 to 32 letters, digits, or . _ -'),
    escalateAfterMs: readEscalateAfter(read, redis !== undefined),
    secondBus: readSecondBus(read, redis !== undefined),
    longPolling: read.oneOf('LONG_POLLING', ['on', 'off'], 'on') === 'on',
    cache: {
      mode: readCacheMode(read, redis !== undefined),
      ttlSeconds: read.number('CACHE_TTL_SECONDS', 60, 1, 86_400),
      memory: `${read.whole('CACHE_MEMORY_MB', 64, 1, 65_536)}mb`,
      redis,
    },
    demo: {
      organisations,
      sitesPerOrganisation,
      unitsPerOrganisation: read.whole('UNITS_PER_ORG', 10 * sitesPerOrganisation, sitesPerOrganisation, 1_000),
      simulator: simulated === 'on',
      readingIntervalMs: 1_000 * read.number('READING_INTERVAL_SECONDS', 15, 0.5, 3_600),
      stateChangeRatio: read.number('STATE_CHANGE_RATIO', 0.02, 0, 0.5),
      viewersPerSecond: simulated === 'off' ? 0 : viewersPerSecond,
    },
    offlineAfterMs: 1_000 * read.number('OFFLINE_AFTER_SECONDS', 60, 1, 86_400),
    keepReadingsMs: 3_600_000 * read.number('KEEP_READINGS_HOURS', 26, 25, 8_760),
    sessionSecret: read.text('SESSION_SECRET', undefined, /^.{16,}$/, 'at least 16 characters'),
    consoleToken: read.text('CONSOLE_TOKEN', undefined, /^\S{16,}$/, 'at least 16 characters without spaces'),
    eventNames: readEventNames(read),
    logLevel: read.oneOf('LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'warn'),
  }
  if (settings.demo.simulator && settings.offlineAfterMs < 2 * settings.demo.readingIntervalMs) {
    read.refuse('OFFLINE_AFTER_SECONDS', settings.offlineAfterMs / 1_000, 'at least twice READING_INTERVAL_SECONDS')
  }
  read.finish()
  return settings
}

function readRedis(read: Reader): CacheSettings['redis'] {
  const url = read.text('REDIS_URL', undefined, /^rediss?:\/\/./, "a URL that begins with 'redis://' or 'rediss://'")
  if (url !== undefined) return { url }
  if (read.raw('REDIS_HOST') === undefined && read.raw('REDIS_PORT') === undefined) return undefined
  const host = read.text('REDIS_HOST', '127.0.0.1', /^[A-Za-z0-9.:_-]+$/, 'a host name or address')
  return { host, port: read.whole('REDIS_PORT', 6379, 1, 65_535) }
}

/** The jobs that wait so long live in Redis. */
function readEscalateAfter(read: Reader, hasRedis: boolean): number | undefined {
  const minutes = read.number('ESCALATE_AFTER_MINUTES', 0, 0.01, 1_440)
  if (minutes > 0 && !hasRedis)
    read.refuse('ESCALATE_AFTER_MINUTES', minutes, 'left out, unless REDIS_URL or REDIS_HOST is set')
  return minutes > 0 ? 60_000 * minutes : undefined
}

function readSecondBus(read: Reader, hasRedis: boolean): boolean {
  const isOn = read.oneOf('SECOND_BUS', ['on', 'off'], 'off') === 'on'
  if (isOn && !hasRedis) read.refuse('SECOND_BUS', 'on', "'off', unless REDIS_URL or REDIS_HOST is set")
  return isOn
}

function readCacheMode(read: Reader, hasRedis: boolean): CacheSettings['mode'] {
  const on = read.oneOf('CACHE', ['on', 'off'], 'on') === 'on'
  const tiers = read.oneOf('CACHE_TIERS', ['memory', 'memory+shared', 'shared'], hasRedis ? 'memory+shared' : 'memory')
  if (tiers !== 'memory' && !hasRedis)
    read.refuse('CACHE_TIERS', tiers, "'memory', unless REDIS_URL or REDIS_HOST is set")
  return on ? tiers : 'off'
}

function readEventNames(read: Reader): EventNames {
  const name = (variable: string, usual: string): string => {
    const value = read.text(variable, usual, EVENT_NAME, 'a letter, then letters, digits, or : . _ -')
    if (RESERVED_EVENTS.includes(value)) read.refuse(variable, value, `none of ${RESERVED_EVENTS.join(', ')}`)
    return value
  }
  const names: EventNames = {
    unitUpdate: name('EVENT_UNIT_UPDATE', 'unitUpdate'),
    alertCreated: name('EVENT_ALERT_CREATED', 'alertCreated'),
    alertUpdated: name('EVENT_ALERT_UPDATED', 'alertUpdated'),
    alertResolved: name('EVENT_ALERT_RESOLVED', 'alertResolved'),
    deviceStatusChange: name('EVENT_DEVICE_STATUS_CHANGE', 'deviceStatusChange'),
    sensorReadings: name('EVENT_SENSOR_READINGS', 'sensorReadings'),
  }
  const all = Object.values(names)
  const twice = all.find((value, index) => all.indexOf(value) !== index)
  if (twice !== undefined) read.refuse('EVENT_*', twice, 'a name of its own for each event')
  return names
}

/** Reads variables and collects what is wrong with them. */
class Reader {
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #problems: string[] = []

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.#environment = environment
  }

  /** An empty variable counts as not set, as shells and compose files leave them. */
  raw(name: string): string | undefined {
    return this.#environment[name]?.trim() || undefined
  }

  text<D extends string | undefined>(name: string, usual: D, pattern: RegExp, allowed: string): string | D {
    const value = this.raw(name)
    if (value === undefined) return usual
    if (!pattern.test(value)) this.refuse(name, value, allowed)
    return value
  }

  number(name: string, usual: number, minimum: number, maximum: number): number {
    const value = this.raw(name)
    if (value === undefined) return usual
    const parsed = /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN
    if (!(parsed >= minimum && parsed <= maximum)) this.refuse(name, value, `a number from ${minimum} to ${maximum}`)
    return parsed
  }

  whole(name: string, usual: number, minimum: number, maximum: number): number {
    const value = this.raw(name)
    if (value === undefined) return usual
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN
    if (!(parsed >= minimum && parsed <= maximum))
      this.refuse(name, value, `a whole number from ${minimum} to ${maximum}`)
    return parsed
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[], usual: T): T {
    const value = this.raw(name)
    if (value === undefined) return usual
    const found = allowed.find((one) => one === value)
    if (found === undefined) this.refuse(name, value, `one of ${allowed.join(', ')}`)
    return found ?? usual
  }

  refuse(name: string, value: string | number, allowed: string): void {
    this.#problems.push(`${name}=${isSecret(name) ? '(hidden)' : value} is not allowed: it must be ${allowed}.`)
  }

  finish(): void {
    if (this.#problems.length > 0) throw new SettingsError(this.#problems)
  }
}

/** Connection strings and secrets never reach a terminal or a log. */
function isSecret(name: string): boolean {
  return /_(URL|SECRET|TOKEN)$/.test(name)
}
