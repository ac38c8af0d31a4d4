import Fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify'
import { CacheError } from 'freshtier'
import type { CacheMonitor } from '../cache/cache-monitor.js'
import type { Dashboard } from '../dashboard/dashboard.js'
import type { Questions } from '../dashboard/questions.js'
import type { EventNames } from '../settings.js'
import type { HealthOptions } from './health.js'
import { HttpError } from './http-error.js'
import { type AlertRoutesOptions, registerAlertRoutes } from './routes/alert-routes.js'
import { registerCacheRoutes } from './routes/cache-routes.js'
import { registerDashboardRoutes } from './routes/dashboard-routes.js'
import { registerHealthRoutes } from './routes/health-routes.js'
import { registerSessionRoutes } from './routes/session-routes.js'
import { registerUnitRoutes, type UnitRoutesOptions } from './routes/unit-routes.js'
import { organisationParams } from './schemas.js'
import { registerStaticFiles } from './static-files.js'
import { createTenantGuard } from './tenant-guard.js'
import type { TenantTokens } from './tenant-token.js'

export interface ServerOptions extends UnitRoutesOptions, AlertRoutesOptions {
  readonly dashboard: Dashboard
  readonly questions: Questions
  readonly tokens: TenantTokens
  readonly eventNames: EventNames
  readonly monitor: CacheMonitor
  readonly health: HealthOptions
  readonly logLevel: string
}

/** All routes. It listens to nothing yet: tests inject requests. */
export function createServer(options: ServerOptions): FastifyInstance {
  const server = Fastify({
    logger: { level: options.logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 10_000,
    forceCloseConnections: true,
    // What a schema does not know is refused, not dropped in silence.
    ajv: { customOptions: { removeAdditional: false } },
  })
  server.setErrorHandler((error: FastifyError | HttpError | CacheError, request, reply) => {
    const statusCode = statusOf(error)
    if (statusCode >= 500) request.log.error({ err: error }, 'a request failed')
    const message = statusCode >= 500 && !(error instanceof HttpError) ? 'The server could not answer. Try again.' : error.message
    return reply.code(statusCode).header('cache-control', 'no-store').send({ code: codeOf(error), message })
  })
  server.setNotFoundHandler((_, reply) => reply.code(404).send({ code: 'NOT_FOUND', message: 'There is no such page.' }))

  registerStaticFiles(server)
  registerHealthRoutes(server, options.health)
  registerSessionRoutes(server, options)
  registerCacheRoutes(server, options)
  server.register(
    (organisation, _, done) => {
      organisation.addHook('onRequest', createTenantGuard(options.tokens))
      organisation.addHook('onRoute', (route) => {
        route.schema = { params: organisationParams, ...route.schema }
      })
      // Answers belong to one tenant and may be old in a moment: no browser or proxy keeps them.
      organisation.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'))
      registerDashboardRoutes(organisation, options)
      registerUnitRoutes(organisation, options)
      registerAlertRoutes(organisation, options)
      done()
    },
    { prefix: '/api/organisations/:organisationId' },
  )
  return server
}

/** Of all that the cache refuses, only the receipt comes from outside. */
function statusOf(error: FastifyError | HttpError | CacheError): number {
  if (CacheError.is(error)) return error.code === 'INVALID_RECEIPT' ? 400 : 500
  return error.statusCode ?? 500
}

function codeOf(error: FastifyError | HttpError | CacheError): string {
  return error instanceof HttpError || statusOf(error) < 500 ? error.code : 'INTERNAL'
}
