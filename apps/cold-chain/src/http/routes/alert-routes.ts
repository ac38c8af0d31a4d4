import type { FastifyInstance } from 'fastify'
import { formatCacheStatus } from '../../dashboard/cache-status.js'
import { queryAlertHistory } from '../../dashboard/queries/alert-history.js'
import type { Database } from '../../database/database.js'
import { type AlertAction, actOnAlert } from '../../domain/alert-actions.js'
import type { Change } from '../../domain/change.js'
import { HttpError } from '../http-error.js'
import { alertParams, historyQuery } from '../schemas.js'

export interface AlertRoutesOptions {
  readonly database: Database
  readonly publish: (changes: readonly Change[]) => Promise<void>
}

/** What people do with alerts, and the audit trail. */
export function registerAlertRoutes(server: FastifyInstance, { database, publish }: AlertRoutesOptions): void {
  server.get<{ Params: { organisationId: string }; Querystring: { before?: number; limit: number } }>(
    '/alerts/history',
    { schema: { querystring: historyQuery } },
    async (request, reply) => {
      const { before, limit } = request.query
      // An audit never gets a copy: it asks the database, and the header says so.
      reply.header('cache-status', formatCacheStatus({ outcome: 'bypass', detail: 'audit' }))
      return { alerts: await queryAlertHistory(database, request.params.organisationId, { before, limit }) }
    },
  )

  for (const action of ['acknowledge', 'resolve'] as const satisfies readonly AlertAction[]) {
    server.post<{ Params: { organisationId: string; alertId: number } }>(
      `/alerts/:alertId/${action}`,
      { schema: { params: alertParams } },
      async (request) => {
        const outcome = await actOnAlert(database, action, request.params.organisationId, request.params.alertId)
        if (outcome.state === 'missing')
          throw new HttpError(404, 'NOT_FOUND', 'There is no such alert in this organisation.')
        if (outcome.state === 'conflict')
          throw new HttpError(409, 'CONFLICT', `This alert is ${outcome.status} already.`)
        await publish([outcome.change])
        return { version: outcome.change.version, alert: outcome.change.alert }
      },
    )
  }
}
