import { io, type Socket } from 'socket.io-client'
import type { Tenant } from './fleet.js'
import type { HttpClient } from './http-client.js'
import { Samples } from './samples.js'

interface ChangeMessage {
  readonly version: number
  readonly receipt?: string
  readonly unit?: { readonly id: number }
}

interface EventNames {
  readonly unitUpdate: string
  readonly alertCreated: string
  readonly alertResolved: string
}

/** What each event makes worth asking again. */
const QUESTIONS = {
  unitUpdate: ['unit-status', 'stats'],
  alertCreated: ['alerts', 'stats'],
  alertResolved: ['alerts', 'stats'],
} as const satisfies Record<keyof EventNames, readonly string[]>

/**
 * A client that believes its events: on each one it asks again at once, and no answer may be older than the event. Every
 * row carries the organisation's version, so "older" is a comparison of two numbers.
 */
export class EventChecker {
  /** From the moment a state change was meant to be sent to the moment a fresh answer was here. */
  writeToFreshRead = new Samples()
  refetches = new Samples()
  events = 0
  answers = 0
  olderAnswers = 0
  unitUpdates = 0
  errors = 0
  readonly #client: HttpClient
  readonly #sockets: Socket[] = []
  readonly #writtenAt = new Map<number, number>()
  #pending = 0

  constructor(client: HttpClient) {
    this.#client = client
  }

  /** Resolves when every organisation's socket is connected. */
  async connect(url: string, tenants: readonly Tenant[], eventNames: EventNames): Promise<void> {
    await Promise.all(tenants.map((tenant) => this.#listen(url, tenant, eventNames)))
  }

  /** A state change of this unit is about to be sent. */
  expect(unitId: number, intendedAt: number): void {
    this.#writtenAt.set(unitId, intendedAt)
  }

  /** Begins a new stretch: latencies start again, the counts of events and older answers go on. */
  beginStretch(): void {
    this.writeToFreshRead = new Samples()
    this.refetches = new Samples()
  }

  get isSettled(): boolean {
    return this.#pending === 0
  }

  close(): void {
    for (const socket of this.#sockets) socket.disconnect()
  }

  #listen(url: string, tenant: Tenant, eventNames: EventNames): Promise<void> {
    const socket = io(url, { auth: { token: tenant.token }, transports: ['websocket'], forceNew: true })
    this.#sockets.push(socket)
    for (const name of Object.keys(QUESTIONS) as (keyof EventNames)[]) {
      socket.on(eventNames[name], (message: ChangeMessage) => void this.#check(tenant, name, message))
    }
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
  }

  async #check(tenant: Tenant, name: keyof EventNames, message: ChangeMessage): Promise<void> {
    this.events += 1
    this.#pending += 1
    try {
      await Promise.all(QUESTIONS[name].map((question) => this.#ask(tenant, question, message)))
      if (name === 'unitUpdate') this.#finish(message.unit?.id)
    } catch {
      this.errors += 1
    } finally {
      this.#pending -= 1
    }
  }

  async #ask(tenant: Tenant, question: string, { version, receipt }: ChangeMessage): Promise<void> {
    const startedAt = performance.now()
    const { status, text } = await this.#client.send('GET', `/api/organisations/${tenant.id}/${question}`, {
      token: tenant.token,
      after: receipt,
    })
    if (status !== 200) throw new Error(`${question} was answered with ${status}`)
    this.refetches.add(performance.now() - startedAt)
    this.answers += 1
    if ((JSON.parse(text) as { version: number }).version < version) this.olderAnswers += 1
  }

  #finish(unitId: number | undefined): void {
    this.unitUpdates += 1
    const writtenAt = unitId === undefined ? undefined : this.#writtenAt.get(unitId)
    if (unitId === undefined || writtenAt === undefined) return
    this.#writtenAt.delete(unitId)
    this.writeToFreshRead.add(performance.now() - writtenAt)
  }
}
