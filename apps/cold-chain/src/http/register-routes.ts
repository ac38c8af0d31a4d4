import type { FastifyInstance } from 'fastify'
import type { CacheMonitor } from '../cache/cache-monitor.js'
import type { Dashboard } from '../dashboard/dashboard.js'
import type { Questions } from '../dashboard/questions.js'
import type { EventNames } from '../settings.js'
import type { HealthOptions } from './health.js'
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

export interface RoutesOptions extends UnitRoutesOptions, AlertRoutesOptions {
  readonly dashboard: Dashboard
  readonly questions: Questions
  readonly tokens: TenantTokens
  readonly eventNames: EventNames
  readonly monitor: CacheMonitor
  readonly health: HealthOptions
}

/** Everything that can be asked for over HTTP. */
export function registerRoutes(server: FastifyInstance, options: RoutesOptions): void {
  registerStaticFiles(server)
  registerHealthRoutes(server, options.health)
  registerSessionRoutes(server, options)
  registerCacheRoutes(server, options)
  server.register(
    (organisation, _, done) => {
      registerTenantRoutes(organisation, options)
      done()
    },
    { prefix: '/api/organisations/:organisationId' },
  )
}

/** Below the guard: who gets here has shown the token of this organisation. */
function registerTenantRoutes(organisation: FastifyInstance, options: RoutesOptions): void {
  organisation.addHook('onRequest', createTenantGuard(options.tokens))
  // Answers belong to one tenant and may be old in a moment: no browser or proxy keeps them.
  organisation.addHook('onRequest', (_, reply, done) => {
    reply.header('cache-control', 'no-store')
    done()
  })
  organisation.addHook('onRoute', (route) => {
    route.schema = { params: organisationParams, ...route.schema }
  })
  registerDashboardRoutes(organisation, options)
  registerUnitRoutes(organisation, options)
  registerAlertRoutes(organisation, options)
}
