import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diskTier } from '../../src/disk/index.js'
import { type Cache, createCache, definePolicy, memoryTier, type ReadOptions, type Scope } from '../../src/index.js'
import {
  createTwinServer,
  fakeClock,
  type SeededRandom,
  seededRandom,
  sharedTier,
  type TwinServer,
} from '../../src/testing/index.js'
import { copyAtKill } from '../kit/copy-at-kill.js'
import { History } from '../kit/history.js'
import { scratchParent } from '../kit/scratch-parent.js'

const SEEDS = Number(process.env.RESTART_SEEDS ?? 30)
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1)
const STEPS = 60
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const
const MAX_STALENESS_MS = 2_000

type Key = (typeof KEYS)[number]

let parent: string
beforeAll(() => {
  parent = mkdtempSync(join(scratchParent, 'freshtier-restarts-'))
})
afterAll(() => rmSync(parent, { recursive: true, force: true }))

/**
 * One process over a real directory, which stops and starts again, and another that goes on all the time. The seed fixes
 * the calls and the clock, not how long the disk takes; the history says whether every read was new enough.
 *
 * A kill is a copy of the directory at that moment: whatever was written, and nothing of what was on its way.
 */
class Restarts {
  readonly violations: string[] = []
  diskHits = 0
  readonly #random: SeededRandom
  readonly #clock = fakeClock()
  readonly #server: TwinServer | undefined
  readonly #histories = new Map(KEYS.map((key) => [key, new History(MAX_STALENESS_MS)]))
  readonly #origin = new Map<Key, number>(KEYS.map((key) => [key, 1]))
  readonly #elsewhere: Cache | undefined
  readonly #policy = definePolicy({
    name: 'row',
    ttl: '1h',
    jitter: 0,
    fill: async (key: Key) => this.#origin.get(key)!,
    tags: (key: Key) => ['all', `one-${key}`],
  })
  readonly #hasMemory: boolean
  readonly #told: string
  #directory: string
  #cache: Cache
  #client = 1
  #receipt: { token: string; key: Key; place: number } | undefined

  constructor(seed: number, { hasShared }: { hasShared: boolean }) {
    this.#told = `seed ${seed}`
    this.#random = seededRandom(seed)
    this.#hasMemory = this.#random.integer(4) > 0
    const { clock, random } = { clock: this.#clock, random: seededRandom(seed + 1) }
    this.#server = hasShared ? createTwinServer({ clock, random }) : undefined
    this.#elsewhere =
      this.#server &&
      createCache({ name: 'restarts', tiers: [memoryTier(), sharedTier({ server: this.#server })], clock, random })
    this.#directory = mkdtempSync(join(parent, 'd-'))
    this.#cache = this.#start()
  }

  /** Time goes on meanwhile: who follows another's fill waits by the clock. */
  async play(): Promise<void> {
    let isOver = false
    const played = this.#play().finally(() => {
      isOver = true
    })
    played.catch(() => {})
    while (!isOver) await this.#clock.advance(5)
    await played
  }

  async #play(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      const dice = this.#random.integer(14)
      if (dice < 7) await this.#read(this.#cache)
      else if (dice < 8) await this.#change(this.#cache, this.#client)
      else if (dice < 9)
        await Promise.all([this.#read(this.#cache), this.#change(this.#cache, this.#client), this.#read(this.#cache)])
      else if (dice < 10) await this.#changeElsewhere()
      else if (dice < 12) await this.#sleep(this.#random.integer(3_000))
      else await this.#restart(dice === 12)
    }
    await this.#sleep(MAX_STALENESS_MS + 1)
    for (let reads = 0; reads < 6; reads++) await this.#read(this.#cache)
    await this.#cache.close()
    await this.#elsewhere?.close()
    for (const history of this.#histories.values()) this.violations.push(...history.violations)
  }

  #start(): Cache {
    const cache = createCache({
      name: 'restarts',
      tiers: [
        ...(this.#hasMemory ? [memoryTier()] : []),
        diskTier({ directory: this.#directory }),
        ...(this.#server ? [sharedTier({ server: this.#server })] : []),
      ],
      clock: this.#clock,
      random: seededRandom(this.#random.integer(2 ** 27)),
    })
    cache.on('hit', ({ tier }) => {
      if (tier === 'disk') this.diskHits++
    })
    return cache
  }

  async #restart(isKill: boolean): Promise<void> {
    // Something is on its way, as ever.
    const reading = isKill ? this.#read(this.#cache) : undefined
    const before = this.#directory
    if (isKill) {
      this.#directory = mkdtempSync(join(parent, 'd-'))
      copyAtKill(before, this.#directory)
    }
    await reading
    await this.#cache.close()
    for (let changes = this.#random.integer(5); changes > 0; changes--) await this.#changeElsewhere()
    if (this.#random.integer(10) === 0) this.#server?.trimLog(this.#random.integer(2))
    if (this.#random.integer(20) === 0) this.#server?.flushAll()
    await this.#sleep(this.#random.integer(4_000))
    this.#client += 2
    this.#cache = this.#start()
    if (isKill) rmSync(before, { recursive: true, force: true })
  }

  async #changeElsewhere(): Promise<void> {
    if (this.#elsewhere) await this.#change(this.#elsewhere, 0)
  }

  async #change(scope: Scope, client: number): Promise<void> {
    const key = this.#anyKey()
    const way = this.#random.integer(10)
    const keys = way >= 8 ? KEYS : [key]
    for (const one of keys) this.#origin.set(one, this.#origin.get(one)! + 1)
    const written = keys.map((one) => [one, this.#origin.get(one)!] as const)
    const { token } =
      way < 3
        ? await scope.delete(this.#policy, key)
        : way < 5
          ? await scope.deleteMany(this.#policy, [key])
          : way < 8
            ? await scope.invalidate({ tags: [`one-${key}`] })
            : way === 8
              ? await scope.invalidate({ tags: ['all'] })
              : await scope.clear()
    for (const [one, version] of written) {
      const place = this.#histories.get(one)!.acknowledge(version, this.#clock.now(), client)
      this.#receipt = { token, key: one, place }
    }
  }

  async #read(cache: Cache): Promise<void> {
    const dice = this.#random.integer(4)
    const receipt = dice === 0 ? this.#receipt : undefined
    const key = receipt?.key ?? this.#anyKey()
    // Without a shared tier there is one process, and every read of it is strict.
    const level = dice === 1 || this.#server === undefined ? 'strict' : 'bounded'
    const start = { atMs: this.#clock.now(), level, client: this.#client, after: receipt?.place } as const
    const end = this.#histories.get(key)!.begin(start, `${this.#told}: ${receipt ? 'after' : level} read of ${key}`)
    const options: ReadOptions = receipt ? { after: receipt.token } : { consistency: level }
    end(await cache.getOrFill(this.#policy, key, options))
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimer(resolve, ms))
  }

  #anyKey(): Key {
    return KEYS[this.#random.integer(KEYS.length)]!
  }
}

describe.each([
  ['disk and shared tier', true],
  ['disk alone', false],
])('%s: a process that is closed or killed and started again', (_name, hasShared) => {
  it(`S4-14: never serves what was invalidated before, or while it was down: ${SEEDS} seeds from ${FIRST_SEED}`, async () => {
    let diskHits = 0
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const restarts = new Restarts(seed, { hasShared })
      await restarts.play()
      expect(restarts.violations).toEqual([])
      diskHits += restarts.diskHits
    }
    // It did answer from the disk: it was not simply never believed.
    expect(diskHits).toBeGreaterThan(SEEDS / 2)
  })
})
