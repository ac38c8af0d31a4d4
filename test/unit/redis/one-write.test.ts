import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { inOneWrite } from '../../../src/redis/one-write.js'

/** A socket that keeps what each write brought. */
function socket(): { stream: Writable; writes: string[] } {
  const writes: string[] = []
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      writes.push(chunk)
      done()
    },
    writev(chunks, done) {
      writes.push(chunks.map(({ chunk }) => chunk).join(' '))
      done()
    },
  })
  return { stream, writes }
}

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

test('what is sent in one tick leaves in one write, that of the next in another', async () => {
  const { stream, writes } = socket()
  for (const command of ['TIME', 'MGET']) {
    inOneWrite(stream)
    stream.write(command)
  }
  expect(writes).toEqual([])
  await nextTick()
  expect(writes).toEqual(['TIME MGET'])
  inOneWrite(stream)
  stream.write('GET')
  await nextTick()
  expect(writes).toEqual(['TIME MGET', 'GET'])
})

test('leaves alone what somebody else holds back, and a client that has no socket yet', async () => {
  const { stream, writes } = socket()
  stream.cork()
  inOneWrite(stream)
  stream.write('GET')
  await nextTick()
  expect(writes).toEqual([])
  stream.uncork()
  expect(writes).toEqual(['GET'])
  expect(() => inOneWrite(undefined)).not.toThrow()
})
