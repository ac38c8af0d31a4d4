import { CacheError } from '../core/errors.js'
import { decodeResult, type UpstashResult } from './upstash-replies.js'
import { said } from './upstash-request.js'
import type { UpstashSettings } from './upstash-tier-options.js'

/** Not its own base64, so that the answer tells how texts come. */
const WORD = 'freshtier'
const HAS_NO_SCRIPTS =
  /unknown command|NOPERM|not (?:allowed|available|supported|permitted|enabled|implemented)|unsupported|disabled|forbidden|denied/i

/**
 * One question, sent with the first commands: does this server run scripts, and does it keep to `Upstash-Encoding`?
 *
 * Modes: asking (every request carries the question) → known, or refused for ever: what is missing is missing in the
 * deployment, and a cache that goes on without a word would fence nothing.
 */
export class UpstashHandshake {
  readonly #settings: UpstashSettings
  #isKnown = false
  #refused: CacheError | undefined
  isBase64 = false

  constructor(settings: UpstashSettings) {
    this.#settings = settings
  }

  /**
   * A command as JSON; undefined once the answer is known.
   *
   * @throws CacheError `SCRIPTS_UNAVAILABLE`
   */
  question(): string | undefined {
    if (this.#refused !== undefined) throw this.#refused
    if (this.#isKnown) return undefined
    return JSON.stringify(this.#settings.fencing === 'none' ? ['ECHO', WORD] : ['EVAL', 'return ARGV[1]', '0', WORD])
  }

  /** @throws CacheError if the server is not one to work with. */
  answered(result: UpstashResult): void {
    const { name, token } = this.#settings
    if ('error' in result) {
      const words = said(result.error, token)
      if (this.#settings.fencing === 'none' || !HAS_NO_SCRIPTS.test(words)) {
        throw new CacheError('SHARED_TIER_FAILED', `Shared tier '${name}' refused its first command: ${words}.`)
      }
      throw this.#refuse(words)
    }
    this.isBase64 = result.result !== WORD
    if (decodeResult(result.result, this.isBase64) !== WORD) {
      throw new CacheError('SHARED_TIER_FAILED', `Shared tier '${name}' did not give back a word it was sent.`)
    }
    this.#isKnown = true
  }

  #refuse(words: string): CacheError {
    this.#refused = new CacheError(
      'SCRIPTS_UNAVAILABLE',
      `Shared tier '${this.#settings.name}' runs no scripts (${words}), so no late fill can be fenced, and it is not ` +
        "used. Give it a token that may EVAL, a server that can, or fencing: 'none'.",
    )
    // Reads go on without the tier: somebody must hear of it even if nobody listens to events.
    process.emitWarning(this.#refused.message, { code: this.#refused.code })
    return this.#refused
  }
}
