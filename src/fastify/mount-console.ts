import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Cache } from '../core/create-cache.js'
import { type ConsoleApi, type ConsoleReply, type ConsoleRequest, consoleApi } from '../observe/console/console-api.js'
import { consolePage } from '../observe/console/console-page.js'

/** The console's page at `path` and its API below; its streams end before the server waits for open connections. */
export function mountConsole(
  app: FastifyInstance,
  cache: Cache,
  { path, token }: { path: string; token: string | undefined },
): void {
  const api: ConsoleApi = consoleApi(cache, { token })
  const page = consolePage()
  app.addHook('preClose', (done) => {
    api.close()
    done()
  })
  app.route({
    method: ['GET', 'POST'],
    url: `${path}/api/*`,
    handler: async (request, reply) => send(reply, await api.handle(consoleRequest(request, `${path}/api`))),
  })
  // Relative, because a proxy in front may call the place by another name.
  app.get(path, async (_, reply) =>
    reply
      .code(308)
      .header('location', `${path.slice(path.lastIndexOf('/') + 1)}/`)
      .send(),
  )
  app.get(`${path}/*`, async (request, reply) => send(reply, page.answer(consoleRequest(request, path))))
}

function send(reply: FastifyReply, { status, headers, body }: ConsoleReply): FastifyReply {
  return reply.code(status).headers(headers).send(body)
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
