import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Key } from 'freshtier'
import { formatCacheStatus } from '../../dashboard/cache-status.js'
import type { Dashboard } from '../../dashboard/dashboard.js'
import { type Question, type Questions, WHOLE, type Whole } from '../../dashboard/questions.js'
import { AnswerTexts } from '../answer-texts.js'
import { HttpError } from '../http-error.js'
import { responses, unitParams } from '../schemas.js'

interface OrganisationParams {
  organisationId: string
}

/** The cached questions. Each answer says in `Cache-Status` how it came to be. */
export function registerDashboardRoutes(
  server: FastifyInstance,
  { dashboard, questions }: { dashboard: Dashboard; questions: Questions },
): void {
  const texts = new AnswerTexts()
  const answer = async <K extends Key, V extends object>(
    request: FastifyRequest<{ Params: OrganisationParams }>,
    reply: FastifyReply,
    question: Question<K, V>,
    key: K,
  ): Promise<FastifyReply> => {
    const after = request.headers['cache-after']
    const found = await dashboard.read(
      question,
      request.params.organisationId,
      key,
      typeof after === 'string' ? { after } : {},
    )
    if (!found) throw new HttpError(404, 'NOT_FOUND', 'There is no such thing in this organisation.')
    reply.header('cache-status', formatCacheStatus(found.provenance, `${question.name}:${key}`))
    return texts.send(reply, found.value)
  }
  const routes: Record<string, { question: Question<Whole, object>; schema: object }> = {
    'unit-status': { question: questions.unitStatus, schema: responses.unitStatus },
    alerts: { question: questions.alertCounts, schema: responses.alertCounts },
    'alerts/open': { question: questions.openAlerts, schema: responses.openAlerts },
    compliance: { question: questions.compliance, schema: responses.compliance },
    trends: { question: questions.trends, schema: responses.trends },
    devices: { question: questions.devicesOnline, schema: responses.devicesOnline },
    stats: { question: questions.stats, schema: responses.stats },
  }
  for (const [path, { question, schema }] of Object.entries(routes)) {
    server.get<{ Params: OrganisationParams }>(
      `/${path}`,
      { schema: { response: { 200: schema } } },
      (request, reply) => answer(request, reply, question, WHOLE),
    )
  }
  server.get<{ Params: OrganisationParams & { unitId: number } }>(
    '/units/:unitId/trend',
    { schema: { params: unitParams, response: { 200: responses.unitTrend } } },
    (request, reply) => answer(request, reply, questions.unitTrend, request.params.unitId),
  )
}
