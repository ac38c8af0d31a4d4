import type { Cache } from '../../core/create-cache.js'
import { InvalidOptionError } from '../../core/errors.js'
import { checkFields } from '../../core/options.js'
import type { Clock } from '../../core/ports/clock.js'
import { find } from './console-actions.js'
import type { ConsoleReply } from './console-api.js'
import { answer, refusal } from './console-replies.js'

/** No request takes longer than this and one step: whoever asked goes on from the cursor, or stops. */
const LEG_MS = 2_000

/**
 * Takes a tenant out, leg by leg: `{ cache?, tenant, keysPerSecond?, dryRun?, from? }`. One at a time, so that the rate
 * that was asked for is the rate of all.
 */
export class ConsolePurges {
  readonly #caches: readonly Cache[]
  readonly #clock: Clock
  #isRunning = false

  constructor(caches: readonly Cache[], clock: Clock) {
    this.#caches = caches
    this.#clock = clock
  }

  async run(body: unknown): Promise<ConsoleReply> {
    const {
      cache: name,
      tenant,
      ...options
    } = checkFields(body, ['cache', 'tenant', 'keysPerSecond', 'dryRun', 'from'], 'purge')
    if (typeof tenant !== 'string' || tenant === '') {
      throw new InvalidOptionError({ field: 'purge.tenant', value: tenant, rule: 'must name a tenant' })
    }
    const { cache, about } = find(this.#caches, { cache: name, tenant })
    if (this.#isRunning) return refusal(409, 'PURGE_RUNNING', 'Another purge is running here. Wait for its end.')
    this.#isRunning = true
    const leg = new AbortController()
    const cancel = this.#clock.setHousekeepingTimer(() => leg.abort(), LEG_MS)
    try {
      const receipt = await cache.purge(tenant, { ...options, signal: leg.signal })
      const done = receipt.isDryRun ? 'counted' : receipt.isDone ? 'purged' : 'purging'
      return answer({ done, cache: about.cache, ...receipt })
    } finally {
      cancel()
      this.#isRunning = false
    }
  }
}
