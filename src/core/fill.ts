import type { Abort } from './abort.js'
import { MAX_DURATION_MS } from './envelope.js'
import { FillTimeoutError, InvalidOptionError } from './errors.js'
import type { Events } from './events.js'
import { DetailedValue, type FillContext, type ValueDetails } from './fill-context.js'
import { checkFields } from './options.js'
import type { Clock } from './ports/clock.js'
import type { Key } from './ports/local-tier.js'
import type { Random } from './ports/random.js'
import { parseDuration } from './quantity.js'
import type { Space } from './space.js'
import { checkTags } from './tags.js'

/** A fill bound to its key or keys: what the read path calls when nobody has the value. */
export type BoundFill = (context: FillContext) => unknown

/** What a fill came to, ready to be stored. `freshMs` 0: not to be stored. */
export interface Filled {
  readonly value: unknown
  readonly freshMs: number
  readonly staleMs: number
  readonly tags: readonly string[]
  readonly version: string | undefined
}

export interface FillRequest {
  readonly space: Space
  /** As the caller gave it; the first of them for a fill of several keys. */
  readonly key: Key
  readonly abort: Abort
  readonly fill: BoundFill
  readonly stale: unknown
  readonly recentlyInvalidated: boolean
}

/** Runs users' fills: within the policy's bulkhead and hard timeout, with a signal that ends when nobody waits. */
export class FillRunner {
  readonly #clock: Clock
  readonly #random: Random
  readonly #events: Events

  constructor(parts: { clock: Clock; random: Random; events: Events }) {
    this.#clock = parts.clock
    this.#random = parts.random
    this.#events = parts.events
  }

  /**
   * What the fill returned. Rejects with the fill's own error, `FILL_TIMEOUT` (the wait for a place in the bulkhead
   * counts), `BULKHEAD_FULL` or the abort's reason.
   */
  async run(request: FillRequest): Promise<unknown> {
    const { space, abort } = request
    const { hardMs } = space.policy.rules
    const cancelTimer = this.#clock.setTimer(() => abort.abort(new FillTimeoutError(space.policy.name, hardMs)), hardMs)
    try {
      const leave = await space.policy.bulkhead.enter(abort)
      try {
        return await this.#measured(request)
      } finally {
        leave()
      }
    } finally {
      cancelTimer()
    }
  }

  async #measured(request: FillRequest): Promise<unknown> {
    const { counters, name } = request.space.policy
    const startedAt = this.#clock.now()
    counters.fills++
    try {
      const returned = await settledOrAborted(request)
      const tookMs = this.#clock.now() - startedAt
      counters.usualFillMs = tookMs + 0.8 * ((counters.usualFillMs ?? tookMs) - tookMs)
      return returned
    } catch (error) {
      counters.fillErrors++
      if (this.#events.hears('fill-failed')) {
        const { tenant } = request.space.namespace
        const durationMs = this.#clock.now() - startedAt
        this.#events.emit({ type: 'fill-failed', policy: name, tenant, key: request.key, durationMs, error })
      }
      throw error
    } finally {
      const tookMs = this.#clock.now() - startedAt
      counters.fillTotalMs += tookMs
      counters.fillMaxMs = Math.max(counters.fillMaxMs, tookMs)
      counters.fillTimes.add(tookMs)
    }
  }

  /** What is to be stored of a returned value, `undefined` for nothing. */
  describe(space: Space, key: Key, returned: unknown, callTags: readonly string[] | undefined): Filled | undefined {
    const { rules, name } = space.policy
    const { value, details } = returned instanceof DetailedValue ? returned : { value: returned, details: NO_DETAILS }
    if (value === undefined) return undefined
    const tags = checkTags(rules.tags?.(key), `policy '${name}': tags`)
    const more = [...checkTags(details.tags, `policy '${name}': value.tags`), ...(callTags ?? [])]
    const ttlMs = details.ttl === undefined ? rules.ttlMs : parseDuration(details.ttl, `policy '${name}': value.ttl`)
    const lifeMs = value === null ? Math.min(ttlMs, rules.negativeTtlMs) : ttlMs
    return {
      value,
      freshMs: this.#jittered(lifeMs, rules.jitter),
      staleMs: rules.staleMs,
      tags: more.length === 0 ? tags : checkTags([...tags, ...more], `policy '${name}': value.tags`),
      version: checkVersion(details.version, `policy '${name}': value.version`),
    }
  }

  #jittered(lifeMs: number, jitter: number): number {
    return jitter === 0 || lifeMs === 0
      ? lifeMs
      : Math.min(MAX_DURATION_MS, lifeMs * (1 + jitter * (2 * this.#random.next() - 1)))
  }
}

const NO_DETAILS: ValueDetails = Object.freeze({})

/** Settles by the fill or the abort, whichever comes first; a fill that never settles is let go. */
function settledOrAborted(request: FillRequest): Promise<unknown> {
  const { abort } = request
  return new Promise((resolve, reject) => {
    const forget = abort.onAbort(() => reject(abort.reason))
    const end = <T>(settle: (outcome: T) => void) => {
      return (outcome: T): void => {
        forget()
        settle(outcome)
      }
    }
    invoke(request).then(end(resolve), end(reject))
  })
}

/** Asynchronous, so that a fill that throws at once rejects like any other. */
async function invoke(request: FillRequest): Promise<unknown> {
  const { space, key, abort, stale, recentlyInvalidated } = request
  return request.fill({
    get signal() {
      return abort.signal
    },
    key,
    tenant: space.namespace.tenant,
    stale,
    recentlyInvalidated,
    value: (value, details) => {
      checkFields(details, ['ttl', 'tags', 'version'], 'ctx.value details')
      return new DetailedValue(value, details)
    },
  })
}

/** Decimal digits, so that tiers can compare versions as text: the shorter is the smaller. */
export function checkVersion(value: unknown, field: string): string | undefined {
  if (value === undefined) return undefined
  const text =
    typeof value === 'string' || typeof value === 'bigint' || Number.isSafeInteger(value) ? String(value) : ''
  if (!/^\d{1,30}$/.test(text)) {
    throw new InvalidOptionError({ field, value, rule: 'must be a whole number of at most 30 digits, 0 or more' })
  }
  return text.replace(/^0+(?=\d)/, '')
}
