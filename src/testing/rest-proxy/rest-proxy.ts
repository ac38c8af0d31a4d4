import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../core/system-clock.js'
import { RespClient, RespConnectionError } from './resp-client.js'
import { RespError, type RespValue } from './resp-parser.js'
import { type RestResult, toResult } from './rest-answers.js'
import { faultOf, parseCall, type RestCall, RestRefusal } from './rest-commands.js'
import { checkRestProxyOptions, type RestProxyOptions, type RestProxySettings } from './rest-proxy-options.js'

const METHODS = ['HEAD', 'GET', 'POST', 'PUT']

export interface RestProxy {
  /** `'http://127.0.0.1:8079'` */
  readonly url: string
  /** HTTP requests that came in so far. */
  readonly requests: number
  /** Ends connections, to callers and to Redis, and frees the port. */
  close(): Promise<void>
}

/**
 * An HTTP front for a local Redis that speaks as Upstash's REST API does: `POST /` with a command, `/pipeline`,
 * `/multi-exec`, `/get/key`, bearer token, `Upstash-Encoding: base64`. For development and tests of what runs on Upstash
 * elsewhere. It has no TLS, no SSE (`/subscribe`, `/monitor`) and no RESP2 answers.
 *
 * ```ts
 * const proxy = await startRestProxy({ redisUrl: 'redis://127.0.0.1:6379', token: 'local-only' })
 * const tier = upstashTier({ url: proxy.url, token: 'local-only' })
 * ```
 *
 * @throws InvalidOptionError; rejects if the port is taken.
 */
export async function startRestProxy(options: RestProxyOptions): Promise<RestProxy> {
  const settings = checkRestProxyOptions(options)
  const front = new RestFront(settings)
  const server = createServer((request, response) => void front.answer(request, response))
  server.listen(settings.port, settings.host)
  await once(server, 'listening')
  let closing: Promise<void> | undefined
  return {
    url: addressOf(server),
    get requests() {
      return front.requests
    },
    close() {
      closing ??= (async () => {
        const closed = once(server, 'close')
        server.close()
        server.closeAllConnections()
        front.close()
        await closed
      })()
      return closing
    },
  }
}

function addressOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Reads requests, asks Redis, writes answers. */
class RestFront {
  readonly #settings: RestProxySettings
  readonly #redis: RespClient
  readonly #token: Buffer
  requests = 0

  constructor(settings: RestProxySettings) {
    this.#settings = settings
    this.#redis = new RespClient(settings.redis, systemClock, settings.commandTimeoutMs)
    this.#token = digest(settings.token)
  }

  close(): void {
    this.#redis.close()
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests++
    try {
      const { status, body } = await this.#respond(request)
      write(response, status, body, request.method === 'HEAD')
    } catch (error) {
      const { status, message } = refusalOf(error)
      // Whatever of the body has not come yet is thrown away as it comes.
      request.resume()
      write(response, status, { error: message }, request.method === 'HEAD')
    }
  }

  async #respond(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const { method = '', headers } = request
    const url = new URL(request.url ?? '/', 'http://proxy')
    if (!METHODS.includes(method)) throw new RestRefusal(405, `ERR only ${METHODS.join(', ')} are allowed`)
    if (!this.#isAllowed(headers.authorization, url)) {
      throw new RestRefusal(401, 'WRONGPASS invalid or missing auth token')
    }
    if ((headers['upstash-response-format'] ?? 'json') !== 'json') {
      throw new RestRefusal(400, 'ERR answers are given as json only')
    }
    const call = parseCall(method, url, await this.#bodyOf(request))
    const isBase64 = headers['upstash-encoding'] === 'base64'
    const results = (await this.#run(call)).map((reply) => toResult(reply, isBase64))
    if (call.kind !== 'command') return { status: 200, body: results }
    const [result] = results as [RestResult]
    return { status: 'error' in result ? 400 : 200, body: result }
  }

  async #run({ kind, commands }: RestCall): Promise<RespValue[]> {
    const faults = commands.map((command) => faultOf(command, this.#settings.scripts))
    const fault = faults.find((text) => text !== undefined)
    if (kind === 'multi-exec') {
      if (fault !== undefined) throw new RestRefusal(400, `EXECABORT Transaction discarded because of: ${fault}`)
      return transactionReplies(await this.#redis.send([['MULTI'], ...commands, ['EXEC']]))
    }
    const sent = commands.filter((_, index) => faults[index] === undefined)
    const replies = sent.length === 0 ? [] : await this.#redis.send(sent)
    return faults.map((text) => (text === undefined ? replies.shift()! : new RespError(text)))
  }

  /** Compared by digest, so that the time it takes tells nothing. */
  #isAllowed(authorization: string | undefined, url: URL): boolean {
    const [, bearer] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? []
    return timingSafeEqual(digest(bearer ?? url.searchParams.get('_token') ?? ''), this.#token)
  }

  async #bodyOf(request: IncomingMessage): Promise<Buffer> {
    const { maxBodyBytes } = this.#settings
    const chunks: Buffer[] = []
    let bytes = Number(request.headers['content-length'] ?? 0) > maxBodyBytes ? Number.POSITIVE_INFINITY : 0
    if (bytes === 0) {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        bytes += chunk.length
        if (bytes > maxBodyBytes) break
        chunks.push(chunk)
      }
    }
    if (bytes > maxBodyBytes) throw new RestRefusal(413, `ERR max request size exceeded. Limit: ${maxBodyBytes} bytes`)
    return Buffer.concat(chunks)
  }
}

function transactionReplies(replies: RespValue[]): RespValue[] {
  const results = replies.at(-1)!
  if (Array.isArray(results)) return results
  const text = results instanceof RespError ? results.text : 'EXECABORT Transaction discarded'
  const cause = replies.find((reply) => reply instanceof RespError && reply !== results)
  throw new RestRefusal(400, cause instanceof RespError ? `${text} ${cause.text}` : text)
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof RestRefusal) return error
  if (!(error instanceof RespConnectionError)) return { status: 500, message: 'ERR the proxy failed' }
  return { status: error.isTimeout ? 504 : 503, message: `ERR ${error.message}` }
}

function write(response: ServerResponse, status: number, body: unknown, isHead: boolean): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(isHead ? undefined : bytes)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
