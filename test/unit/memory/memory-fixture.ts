import { afterEach } from 'vitest'
import type { CancelTimer, Clock } from '../../../src/core/ports/clock.js'
import type {
  Key,
  LocalEntry,
  PressureChange,
  RemovalReason,
  SpaceView,
  Standing,
} from '../../../src/core/ports/local-tier.js'
import type { Random } from '../../../src/core/ports/random.js'
import { type MemoryTierOptions, memoryTier, type RunningMemoryTier } from '../../../src/memory/memory-tier.js'

/** Time that moves only when told; housekeeping runs as time passes. */
export class ManualClock implements Clock {
  #nowMs = 0
  #timers: { run: () => void; atMs: number }[] = []

  now(): number {
    return this.#nowMs
  }

  coarseNow(): number {
    return this.#nowMs
  }

  wallNow(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  setTimer(run: () => void, delayMs: number): CancelTimer {
    const timer = { run, atMs: this.#nowMs + delayMs }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  setHousekeepingTimer(run: () => void, delayMs: number): CancelTimer {
    return this.setTimer(run, delayMs)
  }

  get timers(): number {
    return this.#timers.length
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
    }
    this.#nowMs = untilMs
  }
}

/** The same numbers for the same seed (mulberry32). */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  fillId(): string {
    return 'f'.repeat(16)
  }

  shortId(): string {
    return 's'.repeat(8)
  }
}

/** A namespace whose judgements a test writes itself. */
export class ScriptedNamespace {
  tenant = ''
  sequence = 1
  judgements = 0
  /** What an entry with this standing gets to hear once the sequence moved past it. */
  judge: (seen: number, tags: readonly string[] | undefined) => Standing = () => 'current'

  standing(seen: number, tags: readonly string[] | undefined): Standing {
    this.judgements++
    return this.judge(seen, tags)
  }

  /** As if it were noticed at once. */
  softenedAtMs(): number {
    return Number.POSITIVE_INFINITY
  }
}

export interface OpenTier {
  tier: RunningMemoryTier
  clock: ManualClock
  removed: { space: SpaceView; reason: RemovalReason }[]
}

const open: OpenTier[] = []

/** The memory of the test process is no concern of a test, unless it brings readings. */
export function openTier(
  options: MemoryTierOptions = { maxEntries: 100 },
  seed = 1,
  onPressure?: (change: PressureChange) => void,
): OpenTier {
  const clock = new ManualClock()
  const removed: OpenTier['removed'] = []
  const tier = memoryTier({ pressure: false, ...options }).open({
    cacheName: 'test',
    clock,
    random: new SeededRandom(seed),
    onRemoved: (space, reason) => removed.push({ space, reason }),
    ...(onPressure && { onPressure }),
  }) as RunningMemoryTier
  const opened = { tier, clock, removed }
  open.push(opened)
  return opened
}

/** After every test: the structure holds together, and a closed tier leaves no timer. */
afterEach(() => {
  for (const { tier, clock } of open.splice(0)) {
    tier.validate()
    tier.close()
    tier.validate()
    if (clock.timers > 0) throw new Error('a closed tier left a timer')
  }
})

let nextSpaceId = 1

export function newSpace(namespace = new ScriptedNamespace()): SpaceView & { namespace: ScriptedNamespace } {
  return { id: nextSpaceId++, namespace }
}

export function newEntry(value: unknown, overrides: Partial<LocalEntry> = {}): LocalEntry {
  return { value, freshUntilMs: 60_000, staleMs: 0, storedAtMs: 1_700_000_000_000, seen: 1, ...overrides }
}

/** Keys of `keys` that are held, without counting as a use of any. */
export function heldKeys(tier: RunningMemoryTier, space: SpaceView, keys: Iterable<Key>): Key[] {
  return [...keys].filter((key) => tier.has(space, key))
}
