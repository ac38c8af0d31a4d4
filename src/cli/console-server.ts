import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { errorText } from '../core/error-text.js'
import type { ConsoleReply } from '../observe/console/console-api.js'
import { ConsoleGuard } from '../observe/console/console-guard.js'
import { consolePage } from '../observe/console/console-page.js'
import { refusal } from '../observe/console/console-replies.js'
import { apiOf } from './service.js'

export interface ConsoleServerOptions {
  /** The service to look at: `http://127.0.0.1:3000`, or with the path where its console is mounted. */
  readonly service: string
  /** The service's token. It stays in this process; the browser gets one that is good for this run only. */
  readonly token?: string | undefined
  /** 0 = any free one. */
  readonly port: number
}

export interface ConsoleServer {
  /** What to open; brings the browser's token along, if there is one. */
  readonly url: string
  close(): Promise<void>
}

/** Names of the console API are single words: nothing else of the service is reached through here. */
const API_PATH = /^\/api(\/[a-z]+)$/
const MAX_BODY_BYTES = 100_000
/** What a reply keeps of the service's headers. */
const KEPT_HEADERS = ['content-type', 'cache-control', 'x-content-type-options', 'content-security-policy']

/**
 * Serves the console's page on this machine, in front of the console API of a service elsewhere.
 *
 * @throws CliError if `service` is no URL.
 */
export async function startConsoleServer({ service, token, port }: ConsoleServerOptions): Promise<ConsoleServer> {
  const base = apiOf(service)
  const session = token === undefined ? undefined : randomBytes(24).toString('base64url')
  const guard = new ConsoleGuard(session, 'session')
  const page = consolePage()
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://localhost')
    const path = API_PATH.exec(pathname)?.[1]
    if (path === undefined) {
      send(response, page.answer({ method: request.method ?? 'GET', path: pathname, headers: headersOf(request) }))
      return
    }
    const refused = guard.refuse(consoleRequest(request, path), 'look')
    if (refused) send(response, refused)
    else void forward(request, response, { url: `${base}${path}${search}`, token })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: chosen } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${chosen}/${session === undefined ? '' : `#token=${session}`}`,
    close: () => closeServer(server),
  }
}

/** Without a token of its own it hands on what the page was given by hand. */
async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  { url, token }: { url: string; token: string | undefined },
): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort())
  const authorization = token === undefined ? request.headers.authorization : `Bearer ${token}`
  try {
    const body = request.method === 'POST' ? await readBody(request) : undefined
    const answered = await fetch(url, {
      method: request.method ?? 'GET',
      headers: {
        ...(authorization !== undefined && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      redirect: 'error',
      signal: left.signal,
    })
    const kept = KEPT_HEADERS.flatMap((name) => {
      const value = answered.headers.get(name)
      return value === null ? [] : [[name, value] as const]
    })
    response.writeHead(answered.status, Object.fromEntries(kept))
    if (answered.body === null) response.end()
    else
      Readable.fromWeb(answered.body as ReadableStream)
        .on('error', () => response.destroy())
        .pipe(response)
  } catch (error) {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const cause = (error as { cause?: unknown }).cause ?? error
    send(response, refusal(502, 'UNREACHABLE', `The service cannot be reached: ${errorText(cause)}`))
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  request.setEncoding('utf8')
  for await (const part of request) {
    body += part
    if (body.length > MAX_BODY_BYTES) throw new Error('the request is too large')
  }
  return body
}

function send(response: ServerResponse, { status, headers, body }: ConsoleReply): void {
  response.writeHead(status, headers)
  response.end(body)
}

function consoleRequest(request: IncomingMessage, path: string): Parameters<ConsoleGuard['refuse']>[0] {
  return {
    method: request.method ?? 'GET',
    path,
    query: new URLSearchParams(),
    headers: headersOf(request),
    remoteAddress: request.socket.remoteAddress,
  }
}

function headersOf(request: IncomingMessage): Record<string, string | undefined> {
  return request.headers as Record<string, string | undefined>
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
