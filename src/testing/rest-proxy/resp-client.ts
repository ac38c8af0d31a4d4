import { connect, type Socket } from 'node:net'
import type { Clock } from '../../core/ports/clock.js'
import { RespError, RespParser, type RespValue } from './resp-parser.js'

/** Above this a reply is given up: as much as Redis itself keeps under one key. */
const MAX_REPLY_BYTES = 512 * 1024 ** 2

export type RespCommand = readonly (string | Buffer)[]

export interface RespServer {
  readonly host: string
  readonly port: number
  readonly user: string | undefined
  readonly password: string | undefined
  readonly database: string | undefined
}

interface Waiting {
  resolve(reply: RespValue): void
  reject(error: Error): void
}

/** The server could not be reached, hung, or broke off. */
export class RespConnectionError extends Error {
  readonly isTimeout: boolean

  constructor(message: string, { isTimeout = false } = {}) {
    super(message)
    this.isTimeout = isTimeout
  }
}

/**
 * One connection to Redis, opened by the first command and again by the first after a loss. Commands that are given
 * together are written together, so that nothing comes between them.
 */
export class RespClient {
  readonly #server: RespServer
  readonly #clock: Clock
  readonly #timeoutMs: number
  #connection: RespConnection | undefined
  #isClosed = false

  constructor(server: RespServer, clock: Clock, timeoutMs: number) {
    this.#server = server
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** The replies in the order of the commands. Rejects with a `RespConnectionError` if any is missing. */
  async send(commands: readonly RespCommand[]): Promise<RespValue[]> {
    if (this.#isClosed) throw new RespConnectionError('the proxy is closed')
    if (this.#connection === undefined || this.#connection.isOver) this.#connection = new RespConnection(this.#server)
    const connection = this.#connection
    const late = new RespConnectionError('redis did not answer in time', { isTimeout: true })
    const cancel = this.#clock.setHousekeepingTimer(() => connection.end(late), this.#timeoutMs)
    try {
      await connection.introduced
      return await connection.send(commands)
    } finally {
      cancel()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.end(new RespConnectionError('the proxy is closed'))
  }
}

/** A socket until it ends, with those who wait for its replies. */
class RespConnection {
  /** Resolves when the server knows who we are and which database is meant; no command goes before. */
  readonly introduced: Promise<void>
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #over: RespConnectionError | undefined

  constructor(server: RespServer) {
    this.#socket = connect({ host: server.host, port: server.port, noDelay: true })
    const parser = new RespParser((reply) => this.#waiting.shift()?.resolve(reply), MAX_REPLY_BYTES)
    this.#socket.on('data', (chunk) => {
      try {
        parser.push(chunk)
      } catch (error) {
        this.end(new RespConnectionError((error as Error).message))
      }
    })
    this.#socket.on('error', (error) => this.end(new RespConnectionError(error.message)))
    this.#socket.on('close', () => this.end(new RespConnectionError('redis hung up')))
    this.introduced = this.#introduce(server)
    // Whoever sends hears of it; nobody may be there yet.
    this.introduced.catch(() => {})
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  send(commands: readonly RespCommand[]): Promise<RespValue[]> {
    if (this.#over !== undefined) return Promise.reject(this.#over)
    const replies = commands.map(
      () => new Promise<RespValue>((resolve, reject) => this.#waiting.push({ resolve, reject })),
    )
    if (commands.length > 0) this.#socket.write(encode(commands))
    return Promise.all(replies)
  }

  end(error: RespConnectionError): void {
    if (this.#over !== undefined) return
    this.#over = error
    this.#socket.destroy()
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  async #introduce({ user, password, database }: RespServer): Promise<void> {
    const commands: RespCommand[] = []
    if (password !== undefined) commands.push(['AUTH', ...(user === undefined ? [] : [user]), password])
    if (database !== undefined) commands.push(['SELECT', database])
    const replies = await this.send(commands)
    if (!replies.some((reply) => reply instanceof RespError)) return
    const refused = new RespConnectionError('redis refused the proxy')
    this.end(refused)
    throw refused
  }
}

function encode(commands: readonly RespCommand[]): Buffer {
  const parts: Buffer[] = []
  for (const command of commands) {
    parts.push(Buffer.from(`*${command.length}\r\n`))
    for (const argument of command) {
      const bytes = Buffer.from(argument)
      parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
    }
  }
  return Buffer.concat(parts)
}
