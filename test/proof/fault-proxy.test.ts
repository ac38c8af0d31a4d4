import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FaultProxy } from '../kit/fault-proxy.ts'
import { withoutMessages } from '../kit/resp-messages.ts'
import { until } from '../kit/until.ts'

describe('the fault proxy', () => {
  let echo: Server
  let proxy: FaultProxy
  let sockets: Socket[]

  beforeEach(async () => {
    sockets = []
    echo = createServer((socket) => {
      socket.on('error', () => {})
      socket.pipe(socket)
    }).listen(0, '127.0.0.1')
    await once(echo, 'listening')
    proxy = await FaultProxy.start({ port: (echo.address() as AddressInfo).port })
  })

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await proxy.close()
    echo.close()
    await once(echo, 'close')
  })

  async function dial(): Promise<{ socket: Socket; heard: () => string }> {
    const socket = connect(proxy.port, '127.0.0.1')
    sockets.push(socket)
    let text = ''
    socket.setEncoding('utf8').on('data', (piece) => {
      text += piece
    })
    socket.on('error', () => {})
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    return { socket, heard: () => text }
  }

  it('forwards in both directions, in order, also when it delays', async () => {
    const { socket, heard } = await dial()
    proxy.delayMs = 5
    for (let piece = 0; piece < 20; piece++) socket.write(`${piece},`)
    const all = Array.from({ length: 20 }, (_, piece) => `${piece},`).join('')
    await until(() => heard() === all, { what: 'the echo' })
  })

  it('throttles', async () => {
    const { socket, heard } = await dial()
    proxy.bytesPerSecond = 1_000
    const startedAt = performance.now()
    socket.write('x'.repeat(100))
    await until(() => heard().length === 100, { what: 'the echo' })
    // There and back.
    expect(performance.now() - startedAt).toBeGreaterThan(150)
  })

  it('holds everything while half-open, and tells nobody', async () => {
    const { socket, heard } = await dial()
    socket.write('before,')
    await until(() => heard() === 'before,', { what: 'the first echo' })
    proxy.halfOpen()
    socket.write('held,')
    const late = await dial()
    late.socket.write('also held')
    await until(() => proxy.connections === 2, { what: 'the second connection' })
    expect([heard(), late.heard(), socket.destroyed]).toEqual(['before,', '', false])
    proxy.heal()
    await until(() => heard() === 'before,held,' && late.heard() === 'also held', { what: 'the held echoes' })
  })

  it.each(['cut', 'reset'] as const)('ends connections by %s; new ones are welcome', async (way) => {
    const { socket } = await dial()
    await until(() => proxy.connections === 1, { what: 'the connection' })
    const errors: string[] = []
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code!))
    const closed = new Promise((resolve) => socket.once('close', resolve))
    proxy[way]()
    await closed
    expect(errors).toEqual(way === 'reset' ? ['ECONNRESET'] : [])
    const { socket: next, heard } = await dial()
    next.write('again')
    await until(() => heard() === 'again', { what: 'the echo' })
  })

  it('refuses connections while told to', async () => {
    proxy.refuses = true
    const { socket } = await dial()
    await until(() => socket.destroyed, { what: 'the refusal' })
    proxy.heal()
    const { socket: next, heard } = await dial()
    next.write('back')
    await until(() => heard() === 'back', { what: 'the echo' })
  })
})

describe('what is left of a stream of replies without its messages', () => {
  const subscribed = '*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n'
  const message = (text: string) => `*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$${text.length}\r\n${text}\r\n`

  it.each([1, 7, 1_000])('is every other reply, in pieces of %d bytes', (size) => {
    const drops = [true, false, true]
    const filter = withoutMessages(() => drops.shift()!)
    const stream = `${subscribed}${message('one')}+PONG\r\n${message('two')}$-1\r\n${message('three')}`
    let kept = filter(Buffer.from(subscribed)).toString()
    for (let at = subscribed.length; at < stream.length; at += size) {
      kept += filter(Buffer.from(stream.slice(at, at + size))).toString()
    }
    expect(kept).toBe(`${subscribed}+PONG\r\n${message('two')}$-1\r\n`)
  })

  it('is everything on a connection that subscribes to nothing', () => {
    const filter = withoutMessages(() => true)
    expect(filter(Buffer.from(message('value'))).toString()).toBe(message('value'))
  })
})
