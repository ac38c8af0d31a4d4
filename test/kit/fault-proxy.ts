import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type SeededRandom, seededRandom } from '../../src/testing/index.js'
import { withoutMessages } from './resp-messages.ts'

export interface FaultProxyOptions {
  /** Of the real server. */
  readonly port: number
  readonly seed?: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

/**
 * A TCP proxy in front of a server, on which faults can be switched on and off. All randomness has a seed.
 *
 * Modes: passing ⇄ half-open (nothing is forwarded, nobody is told); a cut or reset ends the connections there are, and
 * while `refuse` is on, new ones too.
 */
export class FaultProxy {
  readonly port: number
  /** Each piece that is forwarded waits this long, and up to as long again by chance. */
  delayMs = 0
  /** Bytes forwarded in a second in each direction of a connection. */
  bytesPerSecond = Number.POSITIVE_INFINITY
  /** New connections are reset. */
  refuses = false
  /** Share of pub/sub messages that get lost. */
  dropMessages = 0
  readonly #server
  readonly #target: number
  readonly #random: SeededRandom
  readonly #pairs = new Set<Pair>()
  /** What waits while the line is half-open. */
  readonly #held: (() => void)[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  #isHalfOpen = false

  static async start({ port, seed = 1 }: FaultProxyOptions): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: false })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FaultProxy(server, port, seededRandom(seed))
  }

  private constructor(server: ReturnType<typeof createServer>, target: number, random: SeededRandom) {
    this.#server = server
    this.#target = target
    this.#random = random
    this.port = (server.address() as { port: number }).port
    server.on('connection', (client) => this.#accept(client))
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Ends every connection in order (FIN). */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.end()
      server.end()
      client.destroy()
      server.destroy()
    }
  }

  /** Ends every connection at once (RST). */
  reset(): void {
    for (const { client, server } of this.#pairs) {
      resetOrEnd(client)
      resetOrEnd(server)
    }
  }

  /** Nothing is forwarded any more, and nobody is told: what a pulled cable or a hung server looks like. */
  halfOpen(): void {
    this.#isHalfOpen = true
  }

  /** All faults end; what was held is forwarded. */
  heal(): void {
    this.delayMs = 0
    this.bytesPerSecond = Number.POSITIVE_INFINITY
    this.refuses = false
    this.#isHalfOpen = false
    for (const forward of this.#held.splice(0)) forward()
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.reset()
    const closed = once(this.#server, 'close')
    this.#server.close()
    await closed
  }

  #accept(client: Socket): void {
    if (this.refuses) {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.#target, '127.0.0.1')
    const pair = { client, server }
    this.#pairs.add(pair)
    this.#forward(client, server)
    this.#forward(
      server,
      client,
      withoutMessages(() => this.#random.next() < this.dropMessages),
    )
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      // What broke is told to the other end by its own close.
      socket.on('error', () => {})
      socket.once('close', () => {
        this.#pairs.delete(pair)
        other.destroy()
      })
    }
  }

  /** In order, each piece after its delay and at the line's speed. */
  #forward(from: Socket, to: Socket, filter = (piece: Buffer): Buffer => piece): void {
    let last = Promise.resolve()
    from.on('data', (piece) => {
      const kept = filter(piece)
      if (kept.length === 0) return
      from.pause()
      last = last.then(async () => {
        await this.#wait(kept.length)
        if (!to.destroyed) to.write(kept)
        from.resume()
      })
    })
  }

  async #wait(bytes: number): Promise<void> {
    if (this.#isHalfOpen) await new Promise<void>((resolve) => this.#held.push(resolve))
    const delayMs = this.delayMs * (1 + this.#random.next()) + (bytes / this.bytesPerSecond) * 1_000
    if (delayMs < 1) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, delayMs)
      this.#timers.add(timer)
    })
  }
}

/** A socket that has begun to end cannot be reset any more: Node would then never close its handle. */
function resetOrEnd(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
