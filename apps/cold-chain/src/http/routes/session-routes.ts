import type { FastifyInstance } from 'fastify'
import type { Database } from '../../database/database.js'
import type { EventNames } from '../../settings.js'
import { HttpError } from '../http-error.js'
import type { TenantTokens } from '../tenant-token.js'

export interface SessionRoutesOptions {
  readonly database: Database
  readonly tokens: TenantTokens
  readonly eventNames: EventNames
}

/** The demo's door: it lists organisations and signs anybody in to the one they pick. A real login would replace this file. */
export function registerSessionRoutes(
  server: FastifyInstance,
  { database, tokens, eventNames }: SessionRoutesOptions,
): void {
  server.get('/api/organisations', async () => ({
    organisations: await database.query(
      `SELECT o.id, o.name, (SELECT count(*)::int FROM sites WHERE organisation_id = o.id) AS "siteCount",
         (SELECT count(*)::int FROM units WHERE organisation_id = o.id) AS "unitCount"
       FROM organisations o ORDER BY o.created_at, length(o.id), o.id LIMIT 1000`,
    ),
  }))

  const body = {
    type: 'object',
    required: ['organisationId'],
    additionalProperties: false,
    properties: { organisationId: { type: 'string', minLength: 1, maxLength: 64 } },
  } as const
  server.post<{ Body: { organisationId: string } }>('/api/sessions', { schema: { body } }, async (request, reply) => {
    const { organisationId } = request.body
    const [found] = await database.query('SELECT 1 FROM organisations WHERE id = $1', [organisationId])
    if (!found) throw new HttpError(404, 'NOT_FOUND', 'There is no such organisation.')
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ organisationId, ...tokens.issue(organisationId), eventNames })
  })
}
