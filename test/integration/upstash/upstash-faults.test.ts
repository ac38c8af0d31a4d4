import type { RequestListener, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { fakeClock } from '../../../src/testing/index.js'
import { until } from '../../kit/until.ts'
import { startHttpServer, type TestHttpServer } from './http-server.ts'
import { KEY, NAMESPACE, openUpstashTier, TOKEN } from './open-upstash-tier.ts'

let server: TestHttpServer
let tier: SharedTier
afterEach(async () => {
  await tier.close()
  await server.close()
})

async function answering(answer: RequestListener, options: object = {}): Promise<SharedTier> {
  server = await startHttpServer(answer)
  tier = openUpstashTier({ url: server.url, ...options })
  return tier
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Everything that a log could show of an error. */
function shown(error: unknown): string {
  const { message, stack, cause, ...rest } = error as Error & { cause?: unknown }
  return `${message} ${stack} ${JSON.stringify(rest)} ${cause === undefined ? '' : shown(cause)}`
}

describe('a server that does not answer as it should', () => {
  test.each<[string, RequestListener, RegExp]>([
    ['401', (_, response) => json(response, 401, { error: 'WRONGPASS invalid token' }), /refused the token.*WRONGPASS/],
    ['429', (_, response) => json(response, 429, { error: 'ERR max requests limit exceeded' }), /HTTP 429.*limit/],
    ['500', (_, response) => json(response, 500, { error: 'internal' }), /HTTP 500: internal/],
    [
      '503 with HTML',
      (_, response) => response.writeHead(503, { 'content-type': 'text/html' }).end('<h1>'),
      /HTTP 503.*no JSON \(text\/html\)/,
    ],
    ['200 with HTML', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>'), /no JSON/],
    ['200 with nothing', (_, response) => response.end(), /no JSON/],
    ['an object instead of a list', (_, response) => json(response, 200, { result: 'OK' }), /something else/],
    ['too few results', (_, response) => json(response, 200, [{ result: 'OK' }]), /something else/],
    ['results of no kind', (_, response) => json(response, 200, [{}, 7, null, {}]), /something else/],
    ['a closed connection', (request) => request.socket.destroy(), /could not be reached/],
    [
      'an answer that breaks off',
      (request, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('[{"resu')
        setImmediate(() => request.socket.destroy())
      },
      /broke off its answer/,
    ],
    ['a redirect', (_, response) => response.writeHead(307, { location: 'https://example.org/' }).end(), /redirect/],
  ])('rejects on %s, and says what came', async (_what, answer, message) => {
    await answering(answer)
    const error = await tier.read(NAMESPACE, [KEY]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SHARED_TIER_FAILED', message: expect.stringMatching(message) })
    expect(shown(error)).not.toContain(TOKEN)
    expect(server.requests.length).toBeGreaterThan(0)
    // One attempt: nobody knows whether a command whose answer is missing was executed.
    expect(server.requests.filter(({ url }) => url === '/pipeline')).toHaveLength(1)
  })

  test('repeats neither the token nor arguments that a server throws back', async () => {
    await answering((_, response) =>
      json(response, 500, { error: `ERR token ${TOKEN}\n is wrong, with args beginning with: 'a value'` }),
    )
    const error = await tier.read(NAMESPACE, [KEY]).catch((reason: unknown) => reason)
    expect(shown(error)).not.toContain(TOKEN)
    expect((error as Error).message).toBe("Shared tier 'upstash' answered HTTP 500: ERR token *** is wrong.")
  })

  test('rejects when nobody listens, without what fetch says of the request', async () => {
    await answering(() => {})
    await server.close()
    const error = await tier.read(NAMESPACE, [KEY]).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SHARED_TIER_FAILED', message: expect.stringContaining('ECONNREFUSED') })
    server = await startHttpServer(() => {})
  })

  test('gives up an answer above its limit, also one that is small on the way', async () => {
    const { gzipSync } = await import('node:zlib')
    const bomb = gzipSync(Buffer.alloc(50 * 1024 ** 2, ' '))
    await answering(
      (_, response) => response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }).end(bomb),
      { maxAnswerBytes: '1mb' },
    )
    await expect(tier.read(NAMESPACE, [KEY])).rejects.toThrow('answered more than maxAnswerBytes (1048576)')
  })
})

test('gives up an answer that never ends', async () => {
  const chunk = Buffer.alloc(256 * 1024, ' ')
  const goOn = (response: ServerResponse): void => {
    while (!response.destroyed && response.write(chunk)) {}
    if (!response.destroyed) response.once('drain', () => goOn(response))
  }
  await answering((_, response) => goOn(response.writeHead(200)), { maxAnswerBytes: '1mb' })
  await expect(tier.read(NAMESPACE, [KEY])).rejects.toThrow('answered more than maxAnswerBytes')
})

describe('a server that hangs', () => {
  test('is given up at the deadline, and the request is ended', async () => {
    const clock = fakeClock()
    let ended = false
    server = await startHttpServer((request) => request.socket.once('close', () => (ended = true)))
    tier = openUpstashTier({ url: server.url, commandTimeout: '750ms' }, { clock })
    const read = expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
    await until(() => server.requests.length === 1, { what: 'the request' })
    await clock.advance(749)
    expect(ended).toBe(false)
    await clock.advance(1)
    await read
    await until(() => ended, { what: 'the end of the connection' })
    expect(clock.pendingTimers).toBe(0)
  })

  test('is given up in the middle of its answer', async () => {
    const clock = fakeClock()
    server = await startHttpServer((_, response) => response.writeHead(200).write('[{"result":'))
    tier = openUpstashTier({ url: server.url, commandTimeout: '750ms' }, { clock })
    const read = expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
    await until(() => server.requests.length === 1, { what: 'the request' })
    await clock.advance(750)
    await read
  })

  test.each<[string, (signal: AbortSignal) => Promise<Response>]>([
    ['ignores its signal', () => new Promise(() => {})],
    [
      'answers when it is aborted, as the client of Upstash makes of it',
      (signal) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve(new Response('{"result":"Aborted"}')))
        }),
    ],
  ])('is given up at the deadline by a fetch that %s', async (_what, fetch) => {
    const clock = fakeClock()
    server = await startHttpServer(() => {})
    let calls = 0
    tier = openUpstashTier(
      {
        url: server.url,
        commandTimeout: '750ms',
        maxRequests: 1,
        fetch: (_url, { signal }) => {
          calls++
          return fetch(signal)
        },
      },
      { clock },
    )
    for (let round = 1; round <= 3; round++) {
      const read = expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
      await clock.advance(750)
      await read
      // It does not keep its place for ever.
      expect(calls).toBe(round)
    }
  })

  test('does not send what waited for a place beyond its deadline', async () => {
    const clock = fakeClock()
    server = await startHttpServer(() => {})
    tier = openUpstashTier({ url: server.url, commandTimeout: '750ms', maxRequests: 1 }, { clock })
    const read = expect(tier.read(NAMESPACE, [KEY])).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
    await until(() => server.requests.length === 1, { what: 'the request' })
    const set = tier.set(
      NAMESPACE,
      [{ key: KEY, token: 'T'.repeat(16), envelope: 'x'.repeat(80), keepMs: 1_000 }],
      'payload',
    )
    const refused = expect(set).rejects.toMatchObject({ code: 'SHARED_TIER_TIMEOUT' })
    await clock.advance(750)
    await Promise.all([read, refused])
    await clock.settle()
    expect(server.bodies.join()).not.toContain('payload')
  })

  test('keeps no call waiting once the tier is closed', async () => {
    let ended = false
    await answering((request) => request.socket.once('close', () => (ended = true)))
    const read = expect(tier.read(NAMESPACE, [KEY])).rejects.toThrow('was closed before it answered')
    await until(() => server.requests.length === 1, { what: 'the request' })
    await tier.close()
    await read
    await until(() => ended, { what: 'the end of the connection' })
  })
})
