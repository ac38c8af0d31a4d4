import type { Clock } from '../core/ports/clock.js'
import type { RedisGuard } from './redis-guard.js'
import { infoReply, isReply, wholeReply } from './redis-replies.js'

export interface BudgetSettings {
  /** What the cache's keys may take in Redis; undefined = whatever the server's own limit allows. */
  readonly maxBytes: number | undefined
  /** Share of the server's `maxmemory` above which nothing is stored. */
  readonly highWaterMark: number
}

/** How long a look at the server counts; while it is far from full, longer. */
const NEAR_MS = 250
const FAR_MS = 2_000
const NEAR_SHARE = 0.8
/** Keys that one look draws at random, and how much older looks still count. */
const SAMPLE = 64
const DECAY = 0.7

/** What an entry takes besides its text, until a look has found out: its name, and what allocators round up. */
const ENTRY_BYTES = 150
const ALLOCATED = 1.2

/** What the last look at one server found. */
interface Level {
  usedBytes: number
  maxBytes: number
  /** Running sums over random keys: how many were drawn, how many were ours, what ours take. */
  drawn: number
  ownBytes: number
  keys: number
}

/**
 * Says when to stop storing: at the high-water mark of a server that has a limit, or when the cache's own keys take
 * what it allows itself. So the server never has to evict for the cache's sake, neither what is ours nor what others
 * keep there.
 *
 * It looks at the servers only while something is being stored, in the background, at most every quarter of a second;
 * what this process stores in between is added. The bytes of its own keys are an estimate: a sample of random keys.
 */
export class RedisBudget {
  readonly #guard: RedisGuard
  readonly #clock: Clock
  readonly #settings: BudgetSettings
  /** What the names of our keys begin with. */
  readonly #base: string
  readonly #levels = new Map<string, Level>()
  #storedSince = 0
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  #isOutOfMemory = false

  constructor(guard: RedisGuard, clock: Clock, settings: BudgetSettings, base: string) {
    this.#guard = guard
    this.#clock = clock
    this.#settings = settings
    this.#base = base
  }

  get settings(): BudgetSettings {
    return this.#settings
  }

  /** Whether a store of so many bytes must be left out. Starts a look at the servers if the last is too old. */
  isFull(key: string, bytes: number): boolean {
    const waits = this.#isOutOfMemory || this.#share() >= NEAR_SHARE ? NEAR_MS : FAR_MS
    if (this.#clock.now() - this.#lookedAt >= waits) void this.look()
    if (this.#isOutOfMemory || this.#shareOfOwn() >= 1) return true
    const level = this.#levels.get(this.#guard.nodeOf(key))
    if (level && this.#shareOf(level) >= 1) return true
    this.#storedSince += bytes * ALLOCATED + ENTRY_BYTES
    return false
  }

  /** The server itself refused for want of memory. Holds until the next look. */
  noteOutOfMemory(): void {
    this.#isOutOfMemory = true
    this.#lookedAt = this.#clock.now()
  }

  /** Estimate, if there was a look that drew a sample. */
  get ownBytes(): number | undefined {
    if (this.#levels.size === 0) return undefined
    let bytes = 0
    for (const { drawn, ownBytes, keys } of this.#levels.values()) if (drawn > 0) bytes += (ownBytes / drawn) * keys
    return Math.round(bytes)
  }

  /** Looks at every server. Never rejects: one that cannot be asked keeps its level. */
  look(draw = this.#settings.maxBytes !== undefined): Promise<void> {
    this.#looking ??= this.#look(draw).finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(draw: boolean): Promise<void> {
    this.#lookedAt = this.#clock.now()
    const before = this.#storedSince
    const nodes = this.#guard.names()
    for (const name of this.#levels.keys()) if (!nodes.includes(name)) this.#levels.delete(name)
    const looks = nodes.map((node) => this.#lookAt(node, draw).catch(() => {}))
    await Promise.all(looks)
    this.#storedSince -= before
    this.#isOutOfMemory = false
  }

  async #lookAt(node: string, draw: boolean): Promise<void> {
    const info = infoReply(await this.#guard.sendTo(node, ['INFO', 'memory']))
    const level = this.#levels.get(node) ?? { usedBytes: 0, maxBytes: 0, drawn: 0, ownBytes: 0, keys: 0 }
    this.#levels.set(node, level)
    level.usedBytes = Number(info.get('used_memory') ?? 0)
    level.maxBytes = Number(info.get('maxmemory') ?? 0)
    if (draw) await this.#draw(node, level)
  }

  async #draw(node: string, level: Level): Promise<void> {
    const [keys, ...names] = await Promise.all([
      this.#guard.sendTo(node, ['DBSIZE']),
      ...Array.from({ length: SAMPLE }, () => this.#guard.sendTo(node, ['RANDOMKEY'])),
    ])
    const own = names.filter((name): name is string => typeof name === 'string' && name.startsWith(this.#base))
    const sizes = await Promise.all(own.map((name) => this.#guard.sendTo(node, ['MEMORY', 'USAGE', name])))
    level.keys = wholeReply(keys, 'DBSIZE')
    level.drawn = level.drawn * DECAY + SAMPLE
    level.ownBytes = level.ownBytes * DECAY + sizes.reduce<number>((sum, size) => sum + sizeOf(size), 0)
  }

  /** The fullest of all limits. */
  #share(): number {
    return Math.max(this.#shareOfOwn(), ...[...this.#levels.values()].map((level) => this.#shareOf(level)))
  }

  #shareOfOwn(): number {
    const { maxBytes } = this.#settings
    return maxBytes === undefined ? 0 : ((this.ownBytes ?? 0) + this.#storedSince) / maxBytes
  }

  #shareOf({ usedBytes, maxBytes }: Level): number {
    return maxBytes === 0 ? 0 : (usedBytes + this.#storedSince) / (maxBytes * this.#settings.highWaterMark)
  }
}

/** Nil: the key went between the two questions. */
function sizeOf(reply: unknown): number {
  return reply !== null && isReply(reply) ? Number(reply) : 0
}

/** How a server says that it is full, by itself or out of a script. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /\bOOM\b/.test(error.message)
}
