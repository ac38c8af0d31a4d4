import { expect, test } from 'vitest'
import { RedisCommands } from '../../../src/redis-protocol/redis-commands.js'
import type { RedisCommand, RedisConnection } from '../../../src/redis-protocol/redis-connection.js'
import { defineScript } from '../../../src/redis-protocol/redis-script.js'

const APPEND = defineScript('APPEND', 'return 1')
const append = { script: APPEND, keys: ['b'], args: ['payload'] }

/** A connection whose answers come when the test says. */
class Wire implements RedisConnection {
  readonly isUp = true
  readonly sent: { command: RedisCommand; answer: (reply: unknown) => void; refuse: (message: string) => void }[] = []
  readonly keepsOrder: boolean

  constructor({ keepsOrder }: { keepsOrder: boolean }) {
    this.keepsOrder = keepsOrder
  }

  get names(): string[] {
    return this.sent.map(({ command }) => command[0])
  }

  send(command: RedisCommand): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.sent.push({ command, answer: resolve, refuse: (message) => reject(new Error(message)) })
    })
  }

  subscribe(): never {
    throw new Error('not used')
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('sends what is to happen in order in one trip, if the connection keeps order', async () => {
  const wire = new Wire({ keepsOrder: true })
  const run = new RedisCommands(wire).runInOrder([['UNLINK', 'd']], append)
  expect(wire.names).toEqual(['UNLINK', 'EVALSHA'])
  wire.sent[0]!.answer(1)
  wire.sent[1]!.answer('row')
  expect(await run).toEqual({ first: [1], last: 'row' })
  expect(wire.sent).toHaveLength(2)
})

test('R8: waits for the first answers before it sends the last, if the connection does not keep order', async () => {
  const wire = new Wire({ keepsOrder: false })
  const run = new RedisCommands(wire).runInOrder(
    [
      ['UNLINK', 'd'],
      ['UNLINK', 'e'],
    ],
    append,
  )
  wire.sent[1]!.answer(1)
  await settle()
  expect(wire.names).toEqual(['UNLINK', 'UNLINK'])
  wire.sent[0]!.answer(1)
  await settle()
  expect(wire.names).toEqual(['UNLINK', 'UNLINK', 'EVALSHA'])
  wire.sent[2]!.answer('row')
  expect((await run).last).toBe('row')
})

test('R8: appends again when the row was answered before the deletion: a client may send again out of order', async () => {
  const wire = new Wire({ keepsOrder: true })
  const run = new RedisCommands(wire).runInOrder([['UNLINK', 'd']], append)
  wire.sent[1]!.answer('too early')
  wire.sent[0]!.answer(1)
  await settle()
  expect(wire.names).toEqual(['UNLINK', 'EVALSHA', 'EVALSHA'])
  wire.sent[2]!.answer('behind')
  expect((await run).last).toBe('behind')
})

test('R8: does not report success when the deletion fails and its row was appended', async () => {
  const wire = new Wire({ keepsOrder: true })
  const run = new RedisCommands(wire).runInOrder([['UNLINK', 'd']], append)
  wire.sent[0]!.refuse('READONLY')
  wire.sent[1]!.answer('row')
  await expect(run).rejects.toThrow('READONLY')
})

test('does not append when the deletion fails first, if the connection does not keep order', async () => {
  const wire = new Wire({ keepsOrder: false })
  const run = new RedisCommands(wire).runInOrder([['UNLINK', 'd']], append)
  wire.sent[0]!.refuse('CLUSTERDOWN')
  await expect(run).rejects.toThrow('CLUSTERDOWN')
  expect(wire.names).toEqual(['UNLINK'])
})

test('sends a script by its digest, and in full to a server that does not know it', async () => {
  const wire = new Wire({ keepsOrder: true })
  const run = new RedisCommands(wire).run(append)
  expect(wire.sent[0]!.command).toEqual(['EVALSHA', APPEND.sha, '1', 'b', 'payload'])
  wire.sent[0]!.refuse('NOSCRIPT No matching script.')
  await settle()
  expect(wire.sent[1]!.command).toEqual(['EVAL', APPEND.lua, '1', 'b', 'payload'])
  wire.sent[1]!.answer('done')
  expect(await run).toBe('done')
})
