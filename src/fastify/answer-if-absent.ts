import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Answers GET requests of a path that no route answers, whenever routes are added: a route of the application of the
 * same path wins, instead of failing as a duplicate. Runs where handlers run, so that the application's `onRequest`
 * hooks (who may ask?) come first.
 */
export function answerIfAbsent(
  app: FastifyInstance,
  path: string,
  answer: (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>,
): void {
  app.addHook('preHandler', (request, reply, done) => {
    if (!request.is404 || (request.method !== 'GET' && request.method !== 'HEAD') || pathOf(request) !== path) {
      return done()
    }
    reply.code(200)
    answer(request, reply).catch(done)
  })
}

function pathOf({ url }: FastifyRequest): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}
