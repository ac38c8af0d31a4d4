import { CacheError } from '../core/errors.js'
import type { Clock } from '../core/ports/clock.js'
import type { RedisCommand, RedisConnection } from '../redis-protocol/redis-connection.js'
import { batchesOf, type QueuedCommand, type UpstashBatch } from './upstash-batches.js'
import { UpstashHandshake } from './upstash-handshake.js'
import { decodeResult, errorOf, pipelineResults, type UpstashResult } from './upstash-replies.js'
import { said, UpstashRequest } from './upstash-request.js'
import type { UpstashSettings } from './upstash-tier-options.js'

/**
 * Commands over HTTP. Those of one turn travel as one pipeline, which the server executes in its order; while
 * `maxRequests` are under way, what comes waits and travels together. Nothing is sent twice: over HTTP nobody knows
 * whether a command whose answer is missing was executed.
 */
export class UpstashConnection implements RedisConnection {
  readonly isUp = true
  readonly keepsOrder = true
  readonly #settings: UpstashSettings
  readonly #clock: Clock
  readonly #handshake: UpstashHandshake
  readonly #requests = new Set<UpstashRequest>()
  #queue: QueuedCommand[] = []
  #carriers = 0
  #isFlushDue = false
  #syncToken = ''

  constructor(settings: UpstashSettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
    this.#handshake = new UpstashHandshake(settings)
  }

  send(command: RedisCommand): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ command, dueAt: this.#clock.now() + this.#settings.commandTimeoutMs, resolve, reject })
      if (this.#isFlushDue) return
      this.#isFlushDue = true
      queueMicrotask(() => {
        this.#isFlushDue = false
        this.#flush()
      })
    })
  }

  /** Runs commands with nothing in between. Only behind a first `send`, which learns how texts come. */
  async transact(commands: readonly RedisCommand[]): Promise<unknown[]> {
    const answer = await this.#post(
      '/multi-exec',
      commands.map((command) => JSON.stringify(command)),
    )
    const results = pipelineResults(answer.body, commands.length)
    if (answer.status !== 200 || results === undefined) throw this.#refusal(answer)
    return results.map((part) => this.#replyOf(part))
  }

  close(error: Error): void {
    for (const queued of this.#queue) queued.reject(error)
    this.#queue = []
    for (const request of this.#requests) request.abort(error)
  }

  /** All that waits goes to one carrier: what was asked in order must not be overtaken by its second half. */
  #flush(): void {
    if (this.#queue.length === 0 || this.#carriers === this.#settings.maxRequests) return
    const queue = this.#queue
    this.#queue = []
    this.#carriers++
    void this.#carry(queue).finally(() => {
      this.#carriers--
      this.#flush()
    })
  }

  /** Never rejects: every command gets its reply or its error. */
  async #carry(queue: readonly QueuedCommand[]): Promise<void> {
    for (const batch of batchesOf(queue.filter((queued) => this.#isInTime(queued)))) {
      try {
        await this.#exchange(batch)
      } catch (error) {
        for (const { reject } of batch.commands) reject(error as Error)
      }
    }
  }

  #isInTime({ dueAt, reject }: QueuedCommand): boolean {
    if (this.#clock.now() < dueAt) return true
    reject(this.#failure('had no place for another request in time', 'SHARED_TIER_TIMEOUT'))
    return false
  }

  async #exchange({ commands, texts }: UpstashBatch): Promise<void> {
    const question = this.#handshake.question()
    const answer = await this.#post('/pipeline', question === undefined ? texts : [question, ...texts])
    const results = pipelineResults(answer.body, texts.length + (question === undefined ? 0 : 1))
    if (answer.status !== 200 || results === undefined) {
      if (question !== undefined && (answer.status === 400 || answer.status === 403)) await this.#askPlainly(answer)
      throw this.#refusal(answer)
    }
    if (question !== undefined) this.#handshake.answered(results.shift()!)
    for (const [index, part] of results.entries()) {
      const { resolve, reject } = commands[index]!
      try {
        resolve(this.#replyOf(part))
      } catch (error) {
        reject(error as Error)
      }
    }
  }

  /** As Redis clients have it: what the server refused rejects, with its own words. */
  #replyOf(part: UpstashResult): unknown {
    if (!('error' in part)) return decodeResult(part.result, this.#handshake.isBase64)
    const words = said(part.error, this.#settings.token)
    // Servers differ in what stands before it.
    const error = new Error(words.replace(/^.{0,20}\bNOSCRIPT\b/i, 'NOSCRIPT'))
    error.name = 'ReplyError'
    throw error
  }

  /** A server that refused a request with a script in it: does it take one without? */
  async #askPlainly(refused: { body: unknown }): Promise<void> {
    const { status } = await this.#post('/pipeline', [JSON.stringify(['ECHO', 'freshtier'])])
    if (status === 200) this.#handshake.answered({ error: errorOf(refused.body) ?? '' })
  }

  async #post(path: string, texts: readonly string[]): Promise<{ status: number; body: unknown }> {
    const request = new UpstashRequest(this.#settings, this.#clock, this.#syncToken)
    this.#requests.add(request)
    try {
      const answer = await request.send(path, `[${texts.join(',')}]`)
      this.#syncToken = answer.syncToken ?? this.#syncToken
      return answer
    } finally {
      this.#requests.delete(request)
    }
  }

  #refusal({ status, body }: { status: number; body: unknown }): CacheError {
    const error = errorOf(body)
    const words = error === undefined ? '' : `: ${said(error, this.#settings.token)}`
    if (status === 401) return this.#failure(`refused the token (HTTP 401${words})`)
    if (status === 429) return this.#failure(`takes no more requests for now (HTTP 429${words})`)
    if (status !== 200) return this.#failure(`answered HTTP ${status}${words}`)
    return this.#failure(`answered a pipeline with something else${words}`)
  }

  #failure(what: string, code: 'SHARED_TIER_FAILED' | 'SHARED_TIER_TIMEOUT' = 'SHARED_TIER_FAILED'): CacheError {
    return new CacheError(code, `Shared tier '${this.#settings.name}' ${what}.`)
  }
}
