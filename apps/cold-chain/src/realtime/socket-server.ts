import type { Server as HttpServer } from 'node:http'
import { Server, type Socket } from 'socket.io'
import type { Change } from '../domain/change.js'
import type { TenantTokens } from '../http/tenant-token.js'
import type { EventNames } from '../settings.js'
import { EVENT_OF, messageOf, roomsOf } from './change-message.js'
import { ReadingStream } from './reading-stream.js'
import { rooms } from './rooms.js'
import type { SocketAdapter } from './socket-adapter.js'

export interface SocketServerOptions {
  readonly http: HttpServer
  readonly tokens: TenantTokens
  readonly eventNames: EventNames
  /** Whether that site or unit belongs to the organisation. */
  readonly owns: (organisationId: string, place: Place) => Promise<boolean>
  /** Carries events to the sockets of other instances. None = there are no others. */
  readonly adapter: SocketAdapter | undefined
  readonly longPolling: boolean
  readonly failed: (what: string, error: unknown) => void
}

export type Place = { readonly siteId: number } | { readonly unitId: number }

/** What a client gets back for `subscribe` and `unsubscribe`. */
export type SubscribeAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly code: 'INVALID_PLACE' | 'NOT_FOUND' | 'TRY_AGAIN' }

/**
 * The live side. A socket shows the token of one organisation and hears that one only: the whole of it, or, with
 * `auth.scope: 'places'`, the sites and units that it subscribes to.
 */
export class SocketServer {
  readonly readings: ReadingStream
  readonly #io: Server
  readonly #options: SocketServerOptions

  constructor(options: SocketServerOptions) {
    this.#options = options
    this.#io = new Server(options.http, {
      serveClient: true,
      maxHttpBufferSize: 10_000,
      transports: options.longPolling ? ['websocket', 'polling'] : ['websocket'],
      ...(options.adapter && { adapter: options.adapter.create }),
    })
    this.#io.use((socket, next) => this.#admit(socket, next))
    this.#io.on('connection', (socket) => this.#welcome(socket))
    this.readings = new ReadingStream({
      // Who listens at another instance isn't known here.
      isHeard: (organisationId) => options.adapter !== undefined || this.#isHeard(rooms.organisation(organisationId)),
      emit: (organisationId, readings) =>
        this.#io
          .to(rooms.organisation(organisationId))
          .volatile.emit(options.eventNames.sensorReadings, { organisationId, readings }),
    })
  }

  get clients(): number {
    return this.#io.engine.clientsCount
  }

  emit(change: Change, receipt: string | undefined): void {
    this.#io.to(roomsOf(change)).emit(this.#options.eventNames[EVENT_OF[change.type]], messageOf(change, receipt))
  }

  /** Tells the other instances; none is told twice, and whether one hears it isn't known. */
  tellInstances(event: string, ...details: unknown[]): void {
    if (this.#options.adapter) this.#io.serverSideEmit(event, ...details)
  }

  /** What the other instances answer; nothing where there are none. Rejects if one of them doesn't answer in time. */
  async askInstances(event: string, ...details: unknown[]): Promise<unknown[]> {
    return this.#options.adapter ? this.#io.serverSideEmitWithAck(event, ...details) : []
  }

  onInstance(event: string, listener: (...details: unknown[]) => void): void {
    this.#io.on(event, listener)
  }

  /** The cache of this process, for the sockets of this process. */
  emitCacheMetrics(metrics: () => unknown): void {
    if (this.#isHeard(rooms.cacheMetrics))
      this.#io.local.to(rooms.cacheMetrics).volatile.emit('cacheMetrics', metrics())
  }

  async close(): Promise<void> {
    await this.#io.close()
  }

  #admit(socket: Socket, next: (error?: Error) => void): void {
    const { token, scope } = socket.handshake.auth
    const organisationId = this.#options.tokens.verify(token)
    if (organisationId === undefined) {
      next(new Error('UNAUTHORISED'))
      return
    }
    socket.data.organisationId = organisationId
    socket.data.hearsAll = scope !== 'places'
    next()
  }

  #welcome(socket: Socket): void {
    if (socket.data.hearsAll) void socket.join(rooms.organisation(socket.data.organisationId))
    socket.on('subscribe', (place: unknown, answer: unknown) => this.#handle(socket, 'join', place, answer))
    socket.on('unsubscribe', (place: unknown, answer: unknown) => this.#handle(socket, 'leave', place, answer))
    socket.on('watchCache', () => void socket.join(rooms.cacheMetrics))
  }

  #handle(socket: Socket, action: 'join' | 'leave', input: unknown, answer: unknown): void {
    const reply = typeof answer === 'function' ? (answer as (result: SubscribeAnswer) => void) : () => {}
    this.#change(socket, action, input).then(reply, (error) => {
      this.#options.failed('a subscription', error)
      reply({ ok: false, code: 'TRY_AGAIN' })
    })
  }

  async #change(socket: Socket, action: 'join' | 'leave', input: unknown): Promise<SubscribeAnswer> {
    const place = parsePlace(input)
    if (!place) return { ok: false, code: 'INVALID_PLACE' }
    const organisationId: string = socket.data.organisationId
    if (!(await this.#options.owns(organisationId, place))) return { ok: false, code: 'NOT_FOUND' }
    const room = 'siteId' in place ? rooms.site(organisationId, place.siteId) : rooms.unit(organisationId, place.unitId)
    await socket[action](room)
    return { ok: true }
  }

  #isHeard(room: string): boolean {
    return (this.#io.sockets.adapter.rooms.get(room)?.size ?? 0) > 0
  }
}

function parsePlace(input: unknown): Place | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { siteId, unitId } = input as Record<string, unknown>
  if (isId(siteId) && unitId === undefined) return { siteId }
  if (isId(unitId) && siteId === undefined) return { unitId }
  return undefined
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 2_147_483_647
}
