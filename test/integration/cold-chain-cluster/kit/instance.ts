import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { io, type Socket } from 'socket.io-client'
import type { Alert } from '../../../../apps/cold-chain/src/domain/change.ts'

export interface Unit {
  readonly id: number
  readonly deviceId: number
  readonly minimumCelsius: number
  readonly maximumCelsius: number
  readonly criticalMargin: number
}

/** What an event brings. */
export interface Message {
  readonly version: number
  readonly receipt?: string
  /** As JSON has it. */
  readonly alert?: Omit<Alert, 'pendingSince' | 'escalatedAt'> & { pendingSince: string; escalatedAt: string | null }
}

/** A real process of the app, on a port of its own, as seen by someone signed in to `org-1`. */
export class Instance {
  readonly url: string
  readonly #child: ChildProcess
  readonly #token: string

  static async start(environment: Record<string, string>): Promise<Instance> {
    const main = fileURLToPath(new URL('../../../../apps/cold-chain/dist/main.js', import.meta.url))
    const child = fork(main, {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { PATH: process.env.PATH, ...environment },
    })
    const ended = once(child, 'exit').then(() => undefined)
    const message = await Promise.race([once(child, 'message'), ended])
    if (message === undefined) throw new Error('the instance ended before it listened')
    const [{ url }] = message as [{ url: string }]
    const answer = await fetch(`${url}/api/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"organisationId":"org-1"}',
    })
    const { token } = (await answer.json()) as { token: string }
    return new Instance(child, url, token)
  }

  private constructor(child: ChildProcess, url: string, token: string) {
    this.#child = child
    this.url = url
    this.#token = token
  }

  /** A socket that hears `org-1`, connected. */
  async socket(): Promise<Socket> {
    const socket = io(this.url, {
      auth: { token: this.#token },
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('connect_error', reject)
    })
    return socket
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers have many shapes
  async get(path: string, headers: Record<string, string> = {}): Promise<any> {
    const answer = await this.#send('GET', path, undefined, headers)
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer.json()
  }

  post(path: string, body?: object): Promise<Response> {
    return this.#send('POST', path, body, {})
  }

  async units(): Promise<Unit[]> {
    const { sites } = await this.get('units')
    return sites.flatMap((site: { units: Unit[] }) => site.units)
  }

  /** A reading of this unit: inside its limits, or far outside. */
  async reading(
    { deviceId, minimumCelsius, maximumCelsius, criticalMargin }: Unit,
    kind: 'cold' | 'warm',
  ): Promise<void> {
    const celsius = kind === 'cold' ? (minimumCelsius + maximumCelsius) / 2 : maximumCelsius + 2 * criticalMargin
    const answer = await this.post('readings', { deviceId, celsius })
    if (answer.status !== 201) throw new Error(`a reading was answered with ${answer.status}`)
    await answer.arrayBuffer()
  }

  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }

  #send(method: string, path: string, body: object | undefined, headers: Record<string, string>): Promise<Response> {
    const type: Record<string, string> = body ? { 'content-type': 'application/json' } : {}
    return fetch(`${this.url}/api/organisations/org-1/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...type, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
  }
}
