import { Redis } from '@upstash/redis'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type RestProxy, startRestProxy } from '../../../src/testing/index.js'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'
import { TOKEN } from './open-upstash-tier.ts'

let server: RedisServer
let proxy: RestProxy
beforeAll(async () => {
  server = await startRedisServer()
  proxy = await startRestProxy({ redisUrl: server.url, token: TOKEN })
})
beforeEach(async () => {
  await server.client().flushall()
})
afterAll(async () => {
  await proxy.close()
  await server.stop()
})

describe.each(['base64', false] as const)(
  'S0-11: @upstash/redis against the REST proxy, encoding %s',
  (responseEncoding) => {
    let redis: Redis
    beforeEach(() => {
      redis = new Redis({ url: proxy.url, token: TOKEN, responseEncoding, enableTelemetry: false, retry: false })
    })

    test('texts, JSON, numbers and nothing', async () => {
      expect(await redis.set('text', 'grün 🧊', { ex: 100 })).toBe('OK')
      expect(await redis.get('text')).toBe('grün 🧊')
      expect(await redis.ttl('text')).toBe(100)
      await redis.set('json', { on: 3, list: [1, null, 'x'] })
      expect(await redis.get('json')).toEqual({ on: 3, list: [1, null, 'x'] })
      expect(await redis.get('nothing')).toBe(null)
      expect(await redis.mget('text', 'nothing', 'json')).toEqual(['grün 🧊', null, { on: 3, list: [1, null, 'x'] }])
      expect([await redis.incr('n'), await redis.incrby('n', 41), await redis.del('n')]).toEqual([1, 42, 1])
      expect(await redis.set('text', 'other', { nx: true })).toBe(null)
    })

    test('hashes, lists, sets, sorted sets, streams', async () => {
      expect(await redis.hset('h', { a: 1, b: 'two' })).toBe(2)
      expect(await redis.hgetall('h')).toEqual({ a: 1, b: 'two' })
      expect(await redis.hmget('h', 'a', 'none')).toEqual({ a: 1, none: null })
      await redis.rpush<unknown>('l', 'x', { y: 1 })
      expect(await redis.lrange('l', 0, -1)).toEqual(['x', { y: 1 }])
      expect(await redis.sadd('s', 'a', 'b')).toBe(2)
      await redis.zadd('z', { score: 1, member: 'one' }, { score: 2, member: 'two' })
      expect(await redis.zrange('z', 0, -1, { withScores: true })).toEqual(['one', 1, 'two', 2])
      const id = await redis.xadd('x', '*', { field: 'value' })
      expect(await redis.xrange('x', '-', '+')).toEqual({ [id]: { field: 'value' } })
      expect((await redis.scan('0', { count: 100 }))[1].sort()).toEqual(['h', 'l', 's', 'x', 'z'])
    })

    test('a pipeline, and one that keeps its errors', async () => {
      const pipeline = redis.pipeline()
      pipeline.set('a', 1)
      pipeline.incr('a')
      pipeline.get('nothing')
      pipeline.mget('a', 'nothing')
      expect(await pipeline.exec()).toEqual(['OK', 2, null, [2, null]])
      const failing = redis.pipeline().set('text', 'x').incr('text').get('text')
      const results = await failing.exec({ keepErrors: true })
      expect(results.map(({ error }) => error?.slice(0, 9))).toEqual([undefined, 'ERR value', undefined])
      expect(results[2]!.result).toBe('x')
    })

    test('a transaction, and one that is discarded', async () => {
      expect(await redis.multi().set('a', 1).incr('a').get('a').exec()).toEqual(['OK', 2, 2])
      const wrong = redis.multi().set('b', 1)
      wrong.hset('a', {} as Record<string, unknown>)
      await expect(wrong.exec()).rejects.toThrow('EXECABORT')
      expect(await redis.exists('b')).toBe(0)
    })

    test('scripts: by text, by digest, and again after the server lost them', async () => {
      expect(await redis.eval('return {KEYS[1], ARGV[1], 7}', ['k'], ['v'])).toEqual(['k', 'v', 7])
      const script = redis.createScript<string>("return redis.call('SET', KEYS[1], ARGV[1])")
      expect(await script.exec(['k'], ['v'])).toBe('OK')
      await server.client().script('FLUSH')
      await expect(redis.evalsha('0'.repeat(40), [], [])).rejects.toThrow('NOSCRIPT')
      expect(await script.exec(['k'], ['w'])).toBe('OK')
      expect(await redis.get('k')).toBe('w')
    })

    test('errors are rejections', async () => {
      await redis.set('text', 'x')
      await expect(redis.hget('text', 'field')).rejects.toThrow('WRONGTYPE')
      const stranger = new Redis({ url: proxy.url, token: 'wrong-token', retry: false, enableTelemetry: false })
      await expect(stranger.get('text')).rejects.toThrow('WRONGPASS')
    })
  },
)

test('commands of one turn travel together by themselves', async () => {
  const redis = new Redis({ url: proxy.url, token: TOKEN, enableAutoPipelining: true, enableTelemetry: false })
  const before = proxy.requests
  const answers = await Promise.all([redis.set('a', 1), redis.incr('a'), redis.incr('a')])
  expect([answers, proxy.requests - before]).toEqual([['OK', 2, 3], 1])
})
