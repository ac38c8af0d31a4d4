import type { FastifyInstance } from 'fastify'
import { formatCacheStatus } from '../../dashboard/cache-status.js'
import { queryUnitBoard } from '../../dashboard/queries/unit-board.js'
import type { Database } from '../../database/database.js'
import { type ReadingWriter, WriterFullError } from '../../domain/reading-writer.js'
import { HttpError } from '../http-error.js'
import { readingBody, unitParams } from '../schemas.js'

export interface UnitRoutesOptions {
  readonly database: Database
  readonly writer: ReadingWriter
  /** Leaves the door of a unit open; false = it has no simulated sensor. */
  readonly openDoor: (unitId: number) => Promise<boolean>
}

interface ReadingBody {
  deviceId: number
  celsius: number
  takenAt?: string
}

const MAX_AHEAD_MS = 5 * 60_000
const MAX_BEHIND_MS = 24 * 3_600_000

/** The live board, the door for readings, and the demo's own "open the door of this fridge". */
export function registerUnitRoutes(server: FastifyInstance, { database, writer, openDoor }: UnitRoutesOptions): void {
  server.get<{ Params: { organisationId: string } }>('/units', async (request, reply) => {
    reply.header('cache-status', formatCacheStatus({ outcome: 'bypass', detail: 'live' }))
    return { sites: await queryUnitBoard(database, request.params.organisationId) }
  })

  server.post<{ Params: { organisationId: string }; Body: ReadingBody }>(
    '/readings',
    { schema: { body: readingBody } },
    async (request, reply) => {
      const { organisationId } = request.params
      const { deviceId, celsius } = request.body
      const takenAt = parseTakenAt(request.body.takenAt)
      const written = await writer.write({ organisationId, deviceId, celsius, takenAt }).catch((error) => {
        if (error instanceof WriterFullError) throw new HttpError(503, 'BUSY', error.message)
        throw error
      })
      if (written.state === 'unknown-device')
        throw new HttpError(404, 'NOT_FOUND', 'There is no such device in this organisation.')
      return reply.code(201).send({ changes: written.changes.map(({ type, version }) => ({ type, version })) })
    },
  )

  server.post<{ Params: { organisationId: string; unitId: number } }>(
    '/units/:unitId/open-door',
    { schema: { params: unitParams } },
    async (request, reply) => {
      const { organisationId, unitId } = request.params
      const [found] = await database.query('SELECT 1 FROM units WHERE id = $1 AND organisation_id = $2', [
        unitId,
        organisationId,
      ])
      if (!found) throw new HttpError(404, 'NOT_FOUND', 'There is no such unit in this organisation.')
      if (!(await openDoor(unitId))) throw new HttpError(409, 'NOT_SIMULATED', 'This unit has no simulated sensor.')
      return reply.code(202).send({ unitId })
    },
  )
}

function parseTakenAt(text: string | undefined): Date {
  const now = Date.now()
  if (text === undefined) return new Date(now)
  const takenAt = new Date(text)
  const ms = takenAt.getTime()
  if (ms > now - MAX_BEHIND_MS && ms < now + MAX_AHEAD_MS) return takenAt
  throw new HttpError(400, 'INVALID_TIME', `takenAt must lie within the last 24 hours; got ${text.slice(0, 40)}.`)
}
