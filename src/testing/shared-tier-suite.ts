import type { SharedTier, StoredKey } from '../core/ports/shared-tier.js'
import { clockRules } from './shared-tier-suite-clocks.js'
import { entryRules } from './shared-tier-suite-entries.js'
import { fillRules } from './shared-tier-suite-fills.js'
import { keyRules } from './shared-tier-suite-keys.js'
import { logRules } from './shared-tier-suite-log.js'

/** One shared server, empty at first, and what a test must be able to do to it behind the tier's back. */
export interface SharedTierHarness {
  /** Opens the tier as one more process does; closed by the suite. Default cache name: 'contract'. */
  open(options?: { cacheName?: string; logMaxEntries?: number }): SharedTier
  /** Text where the tier keeps entries, leases or markers, as a foreign program puts it. */
  put(kind: 'data' | 'lease' | 'marker', key: StoredKey, text: string): Promise<void>
  /** How long the server still keeps it; 0 = not there. `name`: a stored key or a namespace. */
  remainingMs(kind: 'data' | 'lease' | 'control', name: string): Promise<number>
  /** The server loses one thing, as it does for want of memory. `name`: a stored key, a namespace; unused for the log. */
  evict(kind: 'data' | 'lease' | 'control' | 'log', name: string): Promise<void>
  flushAll(): Promise<void>
  /** Only the newest rows of every log stay. */
  trimLog(keep: number): Promise<void>
  /** Lets time pass: moves a fake clock, or waits. */
  pass(ms: number): Promise<void>
  /** Commands that the tiers have sent so far. */
  sentCommands(): number
  close(): Promise<void>
}

/** What a test of the suite gets: the server, and the tiers of two processes. */
export interface SharedTierScene extends SharedTierHarness {
  readonly a: SharedTier
  readonly b: SharedTier
}

/** How the parts of the suite add their tests. */
export type AddRule = (title: string, check: (scene: SharedTierScene) => Promise<void>) => void

export interface SharedTierSuiteOptions {
  /** What is tested: 'twin', 'redis over ioredis 6'. */
  readonly name: string
  readonly create: () => Promise<SharedTierHarness>
  /** The functions of Vitest, of `node:test`, or of another runner. */
  readonly describe: (title: string, body: () => void) => unknown
  readonly test: {
    (title: string, run: () => Promise<void>): unknown
    skip(title: string, run: () => Promise<void>): unknown
  }
  /** Tests that do not apply, by title, each with the reason. */
  readonly exceptions?: Readonly<Record<string, string>> | undefined
}

/**
 * The contract of the shared tier: what the cache relies on, whatever the technology.
 *
 * ```ts
 * import { describe, test } from 'vitest'
 * import { sharedTierSuite } from 'freshtier/testing'
 *
 * sharedTierSuite({ name: 'my tier', create: startMyServer, describe, test })
 * ```
 */
export function sharedTierSuite({ name, create, describe, test, exceptions = {} }: SharedTierSuiteOptions): void {
  const unused = new Set(Object.keys(exceptions))
  const add: AddRule = (title, check) => {
    const reason = exceptions[title]
    unused.delete(title)
    if (reason === undefined) test(title, () => run(create, check))
    else test.skip(`${title} (exception: ${reason})`, async () => {})
  }
  describe(`shared tier contract: ${name}`, () => {
    for (const rules of [fillRules, entryRules, clockRules, logRules, keyRules]) rules(add)
    // In here, because a runner may call this body later.
    if (unused.size > 0) throw new Error(`no test of the shared tier suite is called '${[...unused].join("', '")}'`)
  })
}

async function run(
  create: () => Promise<SharedTierHarness>,
  check: (scene: SharedTierScene) => Promise<void>,
): Promise<void> {
  const harness = await create()
  const opened: SharedTier[] = []
  const open: SharedTierHarness['open'] = (options) => {
    const tier = harness.open(options)
    opened.push(tier)
    return tier
  }
  try {
    await check({ ...harness, open, a: open(), b: open() })
  } finally {
    await Promise.all(opened.map((tier) => tier.close()))
    await harness.close()
  }
}
