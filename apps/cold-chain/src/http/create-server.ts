import Fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify'
import { CacheError } from 'freshtier'
import { HttpError } from './http-error.js'

/** A server without routes; it listens to nothing yet. Where several instances serve one port, answers tell which did. */
export function createServer(logLevel: string, instance: string | undefined): FastifyInstance {
  const server = Fastify({
    logger: { level: logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: 10_000,
    forceCloseConnections: true,
    // What a schema does not know is refused, not dropped in silence.
    ajv: { customOptions: { removeAdditional: false } },
  })
  if (instance !== undefined) server.addHook('onSend', async (_, reply) => void reply.header('instance', instance))
  server.setErrorHandler((error: FastifyError | HttpError | CacheError, request, reply) => {
    const statusCode = statusOf(error)
    if (statusCode >= 500) request.log.error({ err: error }, 'a request failed')
    const isOurs = statusCode < 500 || error instanceof HttpError
    const message = isOurs ? error.message : 'The server could not answer. Try again.'
    const body = { code: codeOf(error), message }
    return reply.code(statusCode).header('cache-control', 'no-store').send(body)
  })
  server.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ code: 'NOT_FOUND', message: 'There is no such page.' }),
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
