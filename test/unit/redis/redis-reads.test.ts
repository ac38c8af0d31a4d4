import { expect, test } from 'vitest'
import type { RedisCommand, RedisConnection } from '../../../src/redis-protocol/redis-connection.js'
import { RedisGuard } from '../../../src/redis-protocol/redis-guard.js'
import { RedisReads } from '../../../src/redis-protocol/redis-reads.js'
import { slotOf } from '../../../src/redis-protocol/redis-slot.js'
import { RedisTimes } from '../../../src/redis-protocol/redis-times.js'
import { fakeClock } from '../../../src/testing/index.js'
import { until } from '../../kit/until.ts'

const BREAKER = { failures: 1, successes: 1, openMs: 500, windowMs: 10_000 }

/** A server that answers every read with the key itself, and keeps what it was asked, command by command. */
function server(): { asked: RedisCommand[]; connection: RedisConnection } {
  const asked: RedisCommand[] = []
  const connection: RedisConnection = {
    isUp: true,
    keepsOrder: true,
    async send(command) {
      asked.push(command)
      if (command[0] === 'TIME') return ['5', '0']
      return command[0] === 'MGET' ? command.slice(1) : command.join(' ')
    },
    subscribe: () => {
      throw new Error('not used')
    },
  }
  return { asked, connection }
}

/** Three nodes; the slot decides. */
function cluster(answer: (node: string, key: string) => unknown, times: Record<string, string>): RedisConnection {
  const { connection } = server()
  const ofSlot = (slot: number): string => `node-${Math.floor(slot / 5_462)}`
  return {
    ...connection,
    keepsOrder: false,
    nodes: {
      names: () => ['node-0', 'node-1', 'node-2'],
      ofSlot,
      isUpNode: () => true,
      sendTo: async (node) => [times[node] ?? '1', '0'],
      sendTogether: async (node, commands) => commands.map(([, key]) => answer(node, key!)),
    },
  }
}

const asRead = (serverNowMs: number, values: readonly (string | undefined)[]) => ({ serverNowMs, values })
const asOne = (text: string | undefined, serverNowMs: number) => ({ serverNowMs, values: [text] })
const rethrow = (error: unknown): never => {
  throw error
}
const nodeIndex = (key: string): number => Math.floor(slotOf(key) / 5_462)

function readsOver(connection: RedisConnection, clock = fakeClock()): RedisReads {
  const settings = { name: 'redis', commandTimeoutMs: 250, breaker: BREAKER }
  const guard = new RedisGuard(connection, clock, settings)
  return new RedisReads(guard, new RedisTimes(guard, clock))
}

test('asks once for all keys of a turn, whoever wants them', async () => {
  const { asked, connection } = server()
  const reads = readsOver(connection)
  const replies = await Promise.all([
    reads.texts(['a'], asRead),
    reads.texts(['b', 'a'], asRead),
    reads.text('c', asOne, rethrow),
  ])
  expect(asked).toEqual([['TIME'], ['MGET', 'a', 'b', 'a', 'c']])
  expect(replies.map(({ values }) => values)).toEqual([['a'], ['b', 'a'], ['c']])
  expect(replies.map(({ serverNowMs }) => serverNowMs)).toEqual([5_000, 5_000, 5_000])
})

test("a server's time counts for ten milliseconds from its question on, and what has passed is added", async () => {
  const { asked, connection } = server()
  const clock = fakeClock()
  const reads = readsOver(connection, clock)
  const times = (): number => asked.filter(([name]) => name === 'TIME').length
  const nowOf = async (): Promise<number> => (await reads.text('a', asOne, rethrow)).serverNowMs
  expect([await nowOf(), times()]).toEqual([5_000, 1])
  await clock.advance(9.5)
  expect([await nowOf(), times()]).toEqual([5_009.5, 1])
  await clock.advance(0.5)
  expect([await nowOf(), times()]).toEqual([5_000, 2])
})

test('it counts from the question on, so that a slow answer never makes an entry look younger than it is', async () => {
  const { asked, connection } = server()
  const clock = fakeClock()
  const slowly = async (command: RedisCommand): Promise<unknown> => {
    const reply = await connection.send(command)
    if (command[0] === 'TIME') await clock.advance(4)
    return reply
  }
  const reads = readsOver({ ...connection, send: slowly }, clock)
  await reads.text('a', asOne, rethrow)
  expect((await reads.text('a', asOne, rethrow)).serverNowMs).toBe(5_004)
  await clock.advance(6)
  await reads.text('a', asOne, rethrow)
  expect(asked.filter(([name]) => name === 'TIME')).toHaveLength(2)
})

test('who reads several keys, or follows a fill, is told what the clock shows', async () => {
  const { asked, connection } = server()
  const reads = readsOver(connection)
  await reads.text('a', asOne, rethrow)
  await Promise.all([reads.text('a', asOne, rethrow), reads.texts(['b'], asRead)])
  await reads.text('a', asOne, rethrow)
  expect(asked).toEqual([['TIME'], ['MGET', 'a'], ['TIME'], ['MGET', 'a', 'b'], ['MGET', 'a']])
})

test('on Cluster each server has a time of its own', async () => {
  const clock = fakeClock()
  const reads = readsOver(
    cluster((_, key) => key, { 'node-0': '10', 'node-1': '20', 'node-2': '30' }),
    clock,
  )
  const ofEach = [0, 1, 2].map((node) => ['a', 'b', 'c', 'd', 'e', 'f'].find((key) => nodeIndex(key) === node)!)
  const nowOf = async (key: string): Promise<number> => (await reads.text(key, asOne, rethrow)).serverNowMs
  for (const key of ofEach) await nowOf(key)
  await clock.advance(3)
  expect(await Promise.all(ofEach.map(nowOf))).toEqual([10_003, 20_003, 30_003])
})

test('asks once for a key that many want at once', async () => {
  const { asked, connection } = server()
  const reads = readsOver(connection)
  const wanted = Array.from({ length: 1_000 }, (_, index) => (index % 2 === 0 ? 'hot' : `key-${index % 20}`))
  const replies = await Promise.all(wanted.map((key) => reads.text(key, asOne, rethrow)))
  expect(replies.map(({ values }) => values[0])).toEqual(wanted)
  expect(asked.filter(([name]) => name === 'MGET').map((command) => command.length - 1)).toEqual([64])
})

test('join-sent-read: a read never joins what was sent before it began', async () => {
  const { asked, connection } = server()
  const reads = readsOver(connection)
  const first = reads.text('a', asOne, rethrow)
  await new Promise((resolve) => setImmediate(resolve))
  const second = reads.text('a', asOne, rethrow)
  await new Promise((resolve) => setImmediate(resolve))
  await Promise.all([first, second, reads.texts(['a'], asRead)])
  expect(asked.filter(([name]) => name === 'MGET')).toEqual([
    ['MGET', 'a'],
    ['MGET', 'a'],
    ['MGET', 'a'],
  ])
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Forty who ask, and each of them once more as soon as it is answered. `answered`: how many were, first and second time. */
function fortyTwice(reads: RedisReads): { answered: { first: number; second: number }; done: Promise<unknown> } {
  const answered = { first: 0, second: 0 }
  const caller = async (at: number): Promise<void> => {
    await reads.text(`first-${at}`, asOne, rethrow)
    answered.first++
    await reads.text(`second-${at}`, asOne, rethrow)
    answered.second++
  }
  return { answered, done: Promise.all(Array.from({ length: 40 }, (_, at) => caller(at))) }
}

const sizes = (asked: readonly RedisCommand[]): number[] =>
  asked.filter(([name]) => name === 'MGET').map((command) => command.length - 1)

test('half of many readers are answered, and what they ask next is written, before the others are', async () => {
  const { asked, connection } = server()
  const written: (() => void)[] = []
  const { answered, done } = fortyTwice(readsOver({ ...connection, onceWritten: (run) => written.push(run) }))
  await until(() => written.length === 1)
  await turn()
  expect({ ...answered, asked: sizes(asked) }).toEqual({ first: 32, second: 32, asked: [40, 32] })
  written.pop()!()
  await done
  expect({ ...answered, asked: sizes(asked) }).toEqual({ first: 40, second: 40, asked: [40, 32, 8] })
  expect(written).toEqual([])
})

test('all readers are answered at once while a server has something else to do, also if that fails later', async () => {
  const { asked, connection } = server()
  let waits = 0
  let fail!: (error: Error) => void
  const late = new Promise<never>((_, reject) => {
    fail = reject
  })
  const send = (command: RedisCommand): Promise<unknown> => (command[1] === 'late' ? late : connection.send(command))
  const onceWritten = (run: () => void): void => {
    waits++
    run()
  }
  const reads = readsOver({ ...connection, send, onceWritten })
  const failed = reads.text('late', String, String)
  await turn()
  await fortyTwice(reads).done
  expect({ asked: sizes(asked), waits }).toEqual({ asked: [40, 40], waits: 0 })
  fail(new Error('ERR no'))
  expect(await failed).toBe('Error: ERR no')
  await fortyTwice(reads).done
  expect(sizes(asked)).toEqual([40, 40, 40, 32, 8])
  expect(waits).toBeGreaterThan(0)
})

test('nobody waits for others who ask nothing more, nor where nobody knows when a command is written', async () => {
  const { asked, connection } = server()
  const reads = readsOver({ ...connection, onceWritten: () => expect.unreachable('nothing was sent') })
  const texts = await Promise.all(Array.from({ length: 40 }, (_, at) => reads.text(`key-${at}`, asOne, rethrow)))
  expect(texts.map(({ values }) => values[0])).toEqual(asked[1]!.slice(1))
  const elsewhere = server()
  await fortyTwice(readsOver(elsewhere.connection)).done
  expect(sizes(elsewhere.asked)).toEqual([40, 40])
})

test('a batch that fails, fails all of its readers', async () => {
  const { connection } = server()
  const send = async (): Promise<never> => Promise.reject(new Error('ERR no'))
  const reads = readsOver({ ...connection, send, onceWritten: () => {} })
  const failures = await Promise.all(
    Array.from({ length: 40 }, (_, at) => reads.text(`key-${at}`, asOne, (error) => error)),
  )
  expect(new Set(failures.map(String))).toEqual(new Set(['Error: ERR no']))
})

test('never names more than 512 keys in one command', async () => {
  const { asked, connection } = server()
  const keys = Array.from({ length: 1_100 }, (_, index) => `key-${index}`)
  const { values } = await readsOver(connection).texts(keys, asRead)
  expect(values).toEqual(keys)
  expect(asked.filter(([name]) => name === 'MGET').map((command) => command.length - 1)).toEqual([512, 512, 76])
})

test('sends a question that several of a turn ask in the same words once', async () => {
  const { asked, connection } = server()
  const reads = readsOver(connection)
  const ask = (tag: string): Promise<unknown> => reads.once(['HMGET', 'n', tag])
  expect(await Promise.all([ask('x'), ask('x'), ask('y')])).toEqual(['HMGET n x', 'HMGET n x', 'HMGET n y'])
  expect(asked).toHaveLength(2)
})

test('asks every node for its own keys, and takes the time of the clock that is furthest ahead', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const reads = readsOver(cluster((node, key) => `${key} of ${node}`, { 'node-0': '7', 'node-1': '9' }))
  const { serverNowMs, values } = await reads.texts(keys, asRead)
  expect(values).toEqual(keys.map((key) => `${key} of node-${nodeIndex(key)}`))
  expect(new Set(keys.map((key) => nodeIndex(key))).size).toBe(3)
  expect(serverNowMs).toBe(9_000)
})

test('fails who asked for a key that cannot be read, and nobody else', async () => {
  const answers: Record<string, () => unknown> = {
    refused: () => new Error('READONLY You cannot read against this server'),
    list: () => new Error('WRONGTYPE Operation against a key holding the wrong kind of value'),
    // Sent to another node, where it is answered or not.
    moved: async () => 'moved',
    moving: async () => {
      throw new Error('TRYAGAIN Multiple keys request during rehashing of slot')
    },
  }
  const reads = readsOver(cluster((_node, key) => (answers[key] ? answers[key]() : key), {}))
  const refused = expect(reads.text('refused', asOne, rethrow)).rejects.toThrow('READONLY')
  const moving = expect(reads.texts(['fine', 'moving'], asRead)).rejects.toThrow('TRYAGAIN')
  const others = await Promise.all(['fine', 'list', 'moved'].map((key) => reads.text(key, asOne, rethrow)))
  await Promise.all([refused, moving])
  expect(others.map(({ values }) => values)).toEqual([['fine'], [undefined], ['moved']])
})
