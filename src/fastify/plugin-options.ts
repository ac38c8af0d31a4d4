import type { FastifyInstance } from 'fastify'
import type { Cache } from '../core/create-cache.js'
import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkMethods } from '../core/options.js'
import { parseMs } from '../core/quantity.js'
import type { MetricRegistry } from '../observe/register-metrics.js'
import type { TenantOf } from './request-scope.js'

export interface FreshtierOptions {
  /** An open cache. It stays yours: it is not closed with the server. Either this or `open`. */
  cache?: Cache
  /** Opens a cache for this server; it is closed with it. Either this or `cache`. */
  open?: (app: FastifyInstance) => Cache | Promise<Cache>
  /**
   * Whose request it is, by what was proved before (a session, a verified token), never by what a request merely says.
   * `undefined`: nobody's; then `request.cache` throws `TENANT_MISSING` (403). Without this option it always throws.
   */
  tenant?: TenantOf
  /** Also makes it the cache that `getCache()` answers, until the server closes. Default false. */
  singleton?: boolean
  /** A health page, unless the server has one. Default `{ path: '/health', deadlineMs: 1000 }`; `false`: none. */
  health?: false | { path?: string; deadlineMs?: number }
  /**
   * Prometheus metrics, on a page unless the server has one, or in the application's own `registry`. `dashboard` adds
   * the four names of that compatibility set. Default `{ path: '/metrics', dashboard: false }`; `false`: none.
   */
  metrics?: false | { path?: string; dashboard?: boolean; registry?: MetricRegistry }
  /**
   * The console at `path` (default `/freshtier`), and its API below, also for `npx freshtier --url`. Without a `token`
   * it only shows, and only to this machine; changes and cached values need one. Default `false`: none.
   */
  console?: false | { path?: string; token?: string | undefined }
}

/** Checked options. */
export interface PluginSettings {
  readonly cache: Cache | undefined
  readonly open: FreshtierOptions['open']
  readonly tenant: TenantOf | undefined
  readonly singleton: boolean
  readonly healthPath: string | undefined
  readonly healthDeadlineMs: number
  readonly console: { path: string; token: string | undefined } | undefined
  readonly metrics: { path: string; dashboard: boolean; registry: MetricRegistry | undefined } | undefined
}

/** The last three are Fastify's own. */
const FIELDS = [
  'cache',
  'open',
  'tenant',
  'singleton',
  'health',
  'metrics',
  'console',
  'prefix',
  'logLevel',
  'logSerializers',
]

export function checkPluginOptions(options: FreshtierOptions): PluginSettings {
  checkFields(options, FIELDS, 'freshtier')
  const { cache, open, tenant, singleton = false, health = {}, metrics = {} } = options
  const { console = false } = options
  if ((cache === undefined) === (open === undefined)) {
    throw new InvalidOptionError({
      field: 'freshtier',
      value: cache === undefined ? 'neither' : 'both',
      rule: 'must name either `cache`, an open one that stays yours, or `open`, a function that opens one',
    })
  }
  if (cache !== undefined) checkCache(cache, 'freshtier.cache')
  checkFunction(open, 'freshtier.open')
  checkFunction(tenant, 'freshtier.tenant')
  checkBoolean(singleton, 'freshtier.singleton')
  return {
    cache,
    open,
    tenant,
    singleton,
    ...checkHealth(health),
    metrics: checkMetrics(metrics),
    console: checkConsole(console),
  }
}

/** Refuses what is no cache. */
export function checkCache(value: unknown, field: string): void {
  checkMethods(value, ['getOrFill', 'tenant', 'ping', 'close'], field)
}

function checkHealth(
  health: NonNullable<FreshtierOptions['health']>,
): Pick<PluginSettings, 'healthPath' | 'healthDeadlineMs'> {
  if (health === false) return { healthPath: undefined, healthDeadlineMs: 1_000 }
  checkFields(health, ['path', 'deadlineMs'], 'freshtier.health')
  const { path = '/health', deadlineMs = 1_000 } = health
  return {
    healthPath: checkPath(path, 'freshtier.health.path'),
    healthDeadlineMs: parseMs(deadlineMs, 'freshtier.health.deadlineMs'),
  }
}

function checkMetrics(metrics: NonNullable<FreshtierOptions['metrics']>): PluginSettings['metrics'] {
  if (metrics === false) return undefined
  checkFields(metrics, ['path', 'dashboard', 'registry'], 'freshtier.metrics')
  const { path = '/metrics', dashboard = false, registry } = metrics
  checkBoolean(dashboard, 'freshtier.metrics.dashboard')
  if (registry !== undefined) {
    checkMethods(registry, ['registerMetric', 'removeSingleMetric', 'getSingleMetric'], 'freshtier.metrics.registry')
  }
  return { path: checkPath(path, 'freshtier.metrics.path'), dashboard, registry }
}

function checkConsole(console: NonNullable<FreshtierOptions['console']>): PluginSettings['console'] {
  if (console === false) return undefined
  checkFields(console, ['path', 'token'], 'freshtier.console')
  const { path = '/freshtier', token } = console
  return { path: checkPath(path, 'freshtier.console.path').replace(/\/+$/, ''), token }
}

function checkPath(value: unknown, field: string): string {
  if (typeof value === 'string' && /^\/[^\s?#:*]+$/.test(value)) return value
  throw new InvalidOptionError({ field, value, rule: "must be a path such as '/health', without parameters" })
}

function checkFunction(value: unknown, field: string): void {
  if (value === undefined || typeof value === 'function') return
  throw new InvalidOptionError({ field, value, rule: 'must be a function' })
}

function checkBoolean(value: unknown, field: string): void {
  if (typeof value === 'boolean') return
  throw new InvalidOptionError({ field, value, rule: 'must be true or false' })
}
