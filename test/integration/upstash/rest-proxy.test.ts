import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RestProxy, type RestProxyOptions, startRestProxy } from '../../../src/testing/index.js'
import { freePort } from '../../servers/free-port.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { TOKEN } from './open-upstash-tier.ts'

let redis: RedisServer
let proxy: RestProxy
const opened: RestProxy[] = []
beforeAll(async () => {
  redis = await startRedisServer()
})
beforeEach(async () => {
  await redis.client().flushall()
  proxy = await start()
})
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})
afterAll(() => redis.stop())

async function start(options: Partial<RestProxyOptions> = {}): Promise<RestProxy> {
  const one = await startRestProxy({ redisUrl: redis.url, token: TOKEN, ...options })
  opened.push(one)
  return one
}

interface Asked {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly to?: RestProxy
}

/** Status and JSON of an answer. A body that is no text goes as JSON. */
async function ask(path: string, { method, body, headers, to = proxy }: Asked = {}): Promise<[number, unknown]> {
  const response = await fetch(to.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { authorization: `Bearer ${TOKEN}`, ...headers },
    body: body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  } as RequestInit)
  const text = await response.text()
  return [response.status, text === '' ? undefined : JSON.parse(text)]
}

describe('one command', () => {
  test('in the body', async () => {
    expect(await ask('/', { body: ['SET', 'foo', 'bar', 'EX', 100] })).toEqual([200, { result: 'OK' }])
    expect(await ask('/', { body: ['GET', 'foo'] })).toEqual([200, { result: 'bar' }])
    expect(await ask('/', { body: ['GET', 'nothing'] })).toEqual([200, { result: null }])
    expect(await ask('/', { body: ['TTL', 'foo'] })).toEqual([200, { result: 100 }])
    expect(await ask('/', { body: ['MGET', 'foo', 'nothing'], method: 'PUT' })).toEqual([
      200,
      { result: ['bar', null] },
    ])
  })

  test('in the path, with what belongs behind it in the query', async () => {
    expect(await ask('/set/foo/bar/EX/100')).toEqual([200, { result: 'OK' }])
    expect(await ask('/get/foo')).toEqual([200, { result: 'bar' }])
    expect(await ask('/set/a%2Fb/x%20y')).toEqual([200, { result: 'OK' }])
    expect(await ask('/get/a%2Fb')).toEqual([200, { result: 'x y' }])
    expect(await ask('/set/foo?EX=100&NX', { body: 'taken' })).toEqual([200, { result: null }])
    expect(await ask('/set/new?EX=100&NX', { body: '{"a":1}' })).toEqual([200, { result: 'OK' }])
    expect(await ask('/get/new')).toEqual([200, { result: '{"a":1}' }])
    expect(await ask('/dbsize')).toEqual([200, { result: 3 }])
  })

  test('with bytes that are no text', async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0x0d, 0x0a, 0x61])
    await ask('/set/raw', { body: bytes })
    expect(await ask('/get/raw')).toEqual([200, { result: '\ufffd\0\r\na' }])
    const base64 = { headers: { 'upstash-encoding': 'base64' } }
    expect(await ask('/get/raw', base64)).toEqual([200, { result: Buffer.from(bytes).toString('base64') }])
  })

  test.each<[string, Asked]>([
    ['/', { body: ['GET'] }],
    ['/', { body: ['NOSUCH', 'x'] }],
    ['/', { body: [] }],
    ['/', { body: {} }],
    ['/', { body: '["GET"' }],
    ['/', { body: ['SET', 'x', { a: 1 }] }],
    ['/', {}],
    ['/get/%', {}],
    ['/pipeline', { body: [] }],
    ['/pipeline', { body: ['GET', 'x'] }],
    ['/', { body: ['GET', 'x'], headers: { 'upstash-response-format': 'resp2' } }],
  ])('that is wrong is answered with 400 and an error: %s %o', async (path, asked) => {
    const [status, body] = await ask(path, asked)
    expect([status, body]).toEqual([400, { error: expect.stringMatching(/^ERR /) }])
  })
})

describe('many commands', () => {
  test('as a pipeline: each with its own result or error, in order', async () => {
    const commands = [
      ['SET', 'key1', 'valuex'],
      ['INCR', 'key1'],
      ['BLPOP', 'list', 0],
      ['GET', 'key1'],
    ]
    expect(await ask('/pipeline', { body: commands })).toEqual([
      200,
      [
        { result: 'OK' },
        { error: 'ERR value is not an integer or out of range' },
        { error: "ERR Command is not available: 'BLPOP'" },
        { result: 'valuex' },
      ],
    ])
  })

  test('as a transaction: nothing comes in between', async () => {
    const commands = [
      ['INCR', 'n'],
      ['LPUSH', 'n', 'x'],
      ['INCR', 'n'],
    ]
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/multi-exec', { body: commands })))
    for (const [status, body] of answers) {
      const [first, second, third] = body as [{ result: number }, { error: string }, { result: number }]
      expect([status, second.error.slice(0, 9), third.result - first.result]).toEqual([200, 'WRONGTYPE', 1])
    }
  })

  test.each([
    ['an unknown command', ['NOSUCH', 'x']],
    ['a command that is not available', ['WATCH', 'x']],
  ])('as a transaction with %s: discarded as a whole', async (_what, wrong) => {
    const [status, body] = await ask('/multi-exec', { body: [['SET', 'x', 1], wrong] })
    expect([status, body]).toEqual([400, { error: expect.stringContaining('EXECABORT') }])
    expect(await ask('/exists/x')).toEqual([200, { result: 0 }])
  })
})

test('texts come in base64 where that is asked for, also within lists; OK, numbers and errors as they are', async () => {
  const headers = { 'upstash-encoding': 'base64' }
  const body = [['SET', 'x', 'bär'], ['GET', 'x'], ['INCR', 'n'], ['MGET', 'x', 'none'], ['PING'], ['INCR', 'x']]
  expect(await ask('/pipeline', { body, headers })).toEqual([
    200,
    [
      { result: 'OK' },
      { result: 'YsOkcg==' },
      { result: 1 },
      { result: ['YsOkcg==', null] },
      { result: 'UE9ORw==' },
      { error: 'ERR value is not an integer or out of range' },
    ],
  ])
})

describe('who may ask', () => {
  test.each<[string, string, Record<string, string>]>([
    ['no token', '/get/x', { authorization: '' }],
    ['a wrong token', '/get/x', { authorization: 'Bearer wrong' }],
    ['a wrong scheme', '/get/x', { authorization: `Basic ${TOKEN}` }],
    ['a wrong token in the query', '/get/x?_token=wrong', { authorization: '' }],
  ])('%s: 401', async (_what, path, headers) => {
    expect(await ask(path, { headers })).toEqual([401, { error: 'WRONGPASS invalid or missing auth token' }])
  })

  test('the token in the query is as good, and no part of the command', async () => {
    expect(await ask(`/set/x/1?_token=${TOKEN}`, { headers: { authorization: '' } })).toEqual([200, { result: 'OK' }])
  })

  test('other methods: 405', async () => {
    expect((await ask('/get/x', { method: 'DELETE' }))[0]).toBe(405)
    expect((await ask('/pipeline'))[0]).toBe(405)
    expect(await ask('/get/x', { method: 'HEAD' })).toEqual([200, undefined])
  })

  test('it listens on this machine only', () => {
    expect(proxy.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  })
})

describe('limits', () => {
  test('a body above maxBodyBytes: 413, and the next request is answered', async () => {
    const to = await start({ maxBodyBytes: 1_000 })
    const [status, body] = await ask('/', { to, body: ['SET', 'x', 'y'.repeat(1_000)] })
    expect([status, body]).toEqual([413, { error: 'ERR max request size exceeded. Limit: 1000 bytes' }])
    const stream = new Blob(['y'.repeat(2_000)]).stream()
    const chunked = await fetch(`${to.url}/set/x`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: stream,
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
    expect(await ask('/', { to, body: ['SET', 'x', 'y'.repeat(900)] })).toEqual([200, { result: 'OK' }])
  })

  test('large values pass both ways', async () => {
    const value = 'ü'.repeat(2 * 1024 ** 2)
    expect(await ask('/', { body: ['SET', 'x', value] })).toEqual([200, { result: 'OK' }])
    const [, body] = await ask('/pipeline', { body: Array.from({ length: 5 }, () => ['GET', 'x']) })
    expect((body as { result: string }[]).every(({ result }) => result === value)).toBe(true)
  })

  test('scripts: false refuses EVAL and its kin, and nothing else', async () => {
    const to = await start({ scripts: false })
    for (const name of ['EVAL', 'evalsha', 'EVAL_RO', 'SCRIPT', 'FCALL']) {
      const body = [name, 'return 1', 0]
      expect(await ask('/', { to, body })).toEqual([
        400,
        { error: `ERR Command is not available: '${name.toUpperCase()}'` },
      ])
    }
    expect(await ask('/', { to, body: ['PING'] })).toEqual([200, { result: 'PONG' }])
    expect(await ask('/', { body: ['EVAL', 'return {1, "a", {}}', 0] })).toEqual([200, { result: [1, 'a', []] }])
  })
})

describe('without Redis', () => {
  test('503 while nobody listens, and answers again once somebody does', async () => {
    const port = await freePort()
    const to = await start({ redisUrl: `redis://127.0.0.1:${port}` })
    expect(await ask('/ping', { to })).toEqual([503, { error: expect.stringContaining('ECONNREFUSED') }])
    const late = await startRedisServer({ port })
    expect(await ask('/ping', { to })).toEqual([200, { result: 'PONG' }])
    await late.stop()
    expect((await ask('/ping', { to }))[0]).toBe(503)
  })

  test('504 if it hangs', async () => {
    const hung = await startRedisServer()
    const thaw = await hung.freeze()
    const to = await start({ redisUrl: hung.url, commandTimeout: '50ms' })
    expect(await ask('/ping', { to })).toEqual([504, { error: 'ERR redis did not answer in time' }])
    thaw()
    await hung.stop()
  })

  test('a password is used, and a wrong one said without showing it', async () => {
    const admin = redis.client({ db: 2 })
    await admin.call('ACL', 'SETUSER', 'guest', 'on', '>open-sesame', '~*', '+@all')
    const [right, wrong] = await Promise.all(
      ['open-sesame', 'guessed'].map((word) => start({ redisUrl: `redis://guest:${word}@127.0.0.1:${redis.port}/2` })),
    )
    expect(await ask('/set/x/1', { to: right! })).toEqual([200, { result: 'OK' }])
    expect(await admin.get('x')).toBe('1')
    expect(await ask('/set/y/1', { to: wrong! })).toEqual([503, { error: 'ERR redis refused the proxy' }])
    // Nor was it executed as the user of somebody else.
    expect([await admin.exists('y'), await redis.client().exists('y')]).toEqual([0, 0])
  })

  test('close ends requests that wait', async () => {
    const hung = await startRedisServer()
    const thaw = await hung.freeze()
    const to = await start({ redisUrl: hung.url })
    const waiting = expect(ask('/ping', { to })).rejects.toThrow()
    await new Promise<void>((resolve) => {
      const socket = connect(hung.port, '127.0.0.1', () => resolve(void socket.destroy()))
    })
    await to.close()
    await waiting
    thaw()
    await hung.stop()
  })
})

test.each<[string, object]>([
  ['redisUrl', { redisUrl: 'http://127.0.0.1' }],
  ['token', { token: 'short' }],
  ['port', { port: 70_000 }],
  ['host', { host: '' }],
  ['scripts', { scripts: 'no' }],
  ['maxBodyBytes', { maxBodyBytes: 0 }],
  ['commandTimeout', { commandTimeout: 5 }],
  ['upstream', { upstream: 1 }],
])('refuses a wrong %s', async (field, options) => {
  await expect(startRestProxy({ redisUrl: redis.url, token: TOKEN, ...options })).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    field: `startRestProxy.${field}`,
  })
})
