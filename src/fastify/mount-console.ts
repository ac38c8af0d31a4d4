import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Cache } from '../core/create-cache.js'
import { type ConsoleApi, type ConsoleRequest, consoleApi } from '../observe/console/console-api.js'

/** The console's API below `path`; its streams end before the server waits for open connections. */
export function mountConsole(
  app: FastifyInstance,
  cache: Cache,
  { path, token }: { path: string; token: string | undefined },
): void {
  const api: ConsoleApi = consoleApi(cache, { token })
  const mount = `${path}/api`
  app.addHook('preClose', (done) => {
    api.close()
    done()
  })
  app.route({
    method: ['GET', 'POST'],
    url: `${mount}/*`,
    handler: async (request, reply) => {
      const { status, headers, body } = await api.handle(consoleRequest(request, mount))
      return reply.code(status).headers(headers).send(body)
    },
  })
}

function consoleRequest({ raw, url, method, headers, body }: FastifyRequest, mount: string): ConsoleRequest {
  const { pathname, searchParams } = new URL(url, 'http://localhost')
  return {
    method,
    path: pathname.slice(pathname.indexOf(mount) + mount.length),
    query: searchParams,
    headers: headers as Record<string, string | undefined>,
    // The socket's own: what a proxy says about others is not trusted here.
    remoteAddress: raw.socket.remoteAddress,
    body,
  }
}
