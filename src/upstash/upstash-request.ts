import { CacheError } from '../core/errors.js'
import type { Clock } from '../core/ports/clock.js'
import type { UpstashSettings } from './upstash-tier-options.js'

/** How much of what a server said is repeated in an error. */
const MAX_SAID = 200

/** A server that answered, but not as asked. */
export interface UpstashAnswer {
  readonly status: number
  readonly body: unknown
}

/**
 * One HTTP request with one deadline, which holds whatever `fetch` makes of its signal. Its errors are made here: what
 * `fetch` and servers say is repeated only as far as it can hold neither the token nor a value.
 */
export class UpstashRequest {
  readonly #settings: UpstashSettings
  readonly #clock: Clock
  readonly #abort = new AbortController()
  /** The server's word for what this client has written: a replica that lags behind it is not asked. */
  readonly #syncToken: string

  constructor(settings: UpstashSettings, clock: Clock, syncToken: string) {
    this.#settings = settings
    this.#clock = clock
    this.#syncToken = syncToken
  }

  /** Ends it: whoever waits for it gets this error. */
  abort(error: Error): void {
    this.#abort.abort(error)
  }

  /** The JSON that a server answered, whatever its status. */
  async send(path: string, body: string): Promise<UpstashAnswer & { syncToken: string | undefined }> {
    const { signal } = this.#abort
    const { commandTimeoutMs } = this.#settings
    const cancelTimer = this.#clock.setHousekeepingTimer(() => this.abort(this.#timeout()), commandTimeoutMs)
    let onAbort!: () => void
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason)
      signal.addEventListener('abort', onAbort)
    })
    try {
      return await Promise.race([aborted, this.#exchange(path, body, signal)])
    } finally {
      cancelTimer()
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #exchange(
    path: string,
    body: string,
    signal: AbortSignal,
  ): Promise<UpstashAnswer & { syncToken: string | undefined }> {
    const { url, token, fetch } = this.#settings
    const headers: Record<string, string> = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'upstash-encoding': 'base64',
    }
    if (this.#syncToken !== '') headers['upstash-sync-token'] = this.#syncToken
    let response: Response
    try {
      response = await fetch(url + path, {
        method: 'POST',
        headers,
        body,
        // The token must not follow to another address.
        redirect: 'manual',
        // Some frameworks keep answers by themselves.
        cache: 'no-store',
        signal,
      })
    } catch (error) {
      throw this.#failure(`could not be reached${codeOf(error)}`)
    }
    if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
      await response.body?.cancel().catch(() => {})
      throw this.#failure('answered with a redirect, which is not followed; is url the address of the REST endpoint?')
    }
    const text = await this.#textOf(response)
    const syncToken = response.headers.get('upstash-sync-token') ?? undefined
    return { status: response.status, body: this.#parse(text, response), syncToken }
  }

  /** Counted as it comes: neither a header nor a compression can make it larger than it may be. */
  async #textOf(response: Response): Promise<string> {
    const chunks: Uint8Array[] = []
    let bytes = 0
    const reader = response.body?.getReader()
    try {
      for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
        bytes += part.value.byteLength
        if (bytes > this.#settings.maxAnswerBytes) break
        chunks.push(part.value)
      }
    } catch (error) {
      throw this.#failure(`broke off its answer${codeOf(error)}`)
    }
    if (bytes > this.#settings.maxAnswerBytes) {
      await reader?.cancel().catch(() => {})
      throw this.#failure(`answered more than maxAnswerBytes (${this.#settings.maxAnswerBytes})`)
    }
    return Buffer.concat(chunks).toString()
  }

  #parse(text: string, response: Response): unknown {
    try {
      return JSON.parse(text)
    } catch {
      const type = response.headers.get('content-type')?.split(';')[0] ?? 'no content type'
      throw this.#failure(
        `answered HTTP ${response.status} with something that is no JSON (${type.slice(0, 40)}); is url the address of the REST endpoint?`,
      )
    }
  }

  #failure(what: string): CacheError {
    return new CacheError('SHARED_TIER_FAILED', `Shared tier '${this.#settings.name}' ${what}.`)
  }

  #timeout(): CacheError {
    const { name, commandTimeoutMs } = this.#settings
    return new CacheError('SHARED_TIER_TIMEOUT', `Shared tier '${name}' did not answer within ${commandTimeoutMs} ms.`)
  }
}

/** What a server said, short and in one line; arguments of a command and the token are not repeated. */
export function said(text: string, token: string): string {
  const [words = ''] = text.split(/, with args|, command was/)
  const plain = words
    .replaceAll(token, '***')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
  return plain.length > MAX_SAID ? `${plain.slice(0, MAX_SAID)}…` : plain
}

/** ' (ECONNREFUSED)': the code, because a message may repeat a header. */
function codeOf(error: unknown): string {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  const found = cause?.code ?? code
  return typeof found === 'string' && /^[A-Z0-9_]{2,40}$/.test(found) ? ` (${found})` : ''
}
