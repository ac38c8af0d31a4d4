import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EvictionName } from '../../../src/core/ports/local-tier.js'
import { EVICTION_NAMES, EVICTIONS } from '../../../src/memory/evictions/create-eviction.js'
import type { Eviction } from '../../../src/memory/evictions/eviction.js'
import { FrequencySketch } from '../../../src/memory/evictions/frequency-sketch.js'
import { Slots } from '../../../src/memory/slots.js'
import { SeededRandom } from './memory-fixture.js'

/** An eviction told with plain lists, by name of the entry. Slow, and easy to check by reading. */
interface PlainEviction {
  added(id: number): void
  used(id: number): void
  removed(id: number): void
  victim(weight: number): number
}

type WeightOf = (id: number) => number

function plainFifo(): PlainEviction {
  const held: number[] = []
  return {
    added: (id) => void held.push(id),
    used: () => {},
    removed: (id) => void held.splice(held.indexOf(id), 1),
    victim: () => held[0]!,
  }
}

function plainLru(): PlainEviction {
  const fifo = plainFifo()
  const used = (id: number): void => {
    fifo.removed(id)
    fifo.added(id)
  }
  return { ...fifo, used }
}

function plainLfu(): PlainEviction {
  let held: { id: number; uses: number; usedAt: number }[] = []
  let now = 0
  return {
    added: (id) => void held.push({ id, uses: 1, usedAt: ++now }),
    used(id) {
      const entry = held.find((one) => one.id === id)!
      entry.uses++
      entry.usedAt = ++now
    },
    removed: (id) => {
      held = held.filter((one) => one.id !== id)
    },
    victim: () => [...held].sort((a, b) => a.uses - b.uses || a.usedAt - b.usedAt)[0]!.id,
  }
}

function plainSieve(): PlainEviction {
  const held: { id: number; visited: boolean }[] = []
  /** Position of the next to be looked at. */
  let hand = 0
  const at = (id: number): number => held.findIndex((one) => one.id === id)
  return {
    added: (id) => void held.push({ id, visited: false }),
    used: (id) => {
      held[at(id)]!.visited = true
    },
    removed(id) {
      const position = at(id)
      held.splice(position, 1)
      if (position < hand) hand--
      if (hand >= held.length) hand = 0
    },
    victim() {
      while (held[hand]!.visited) {
        held[hand]!.visited = false
        hand = (hand + 1) % held.length
      }
      return held[hand]!.id
    },
  }
}

function plainS3Fifo(weightOf: WeightOf): PlainEviction {
  const small: number[] = []
  const main: number[] = []
  const uses = new Map<number, number>()
  let ghosts: number[] = []
  const weigh = (ids: readonly number[]): number => ids.reduce((sum, id) => sum + weightOf(id), 0)
  return {
    added(id) {
      uses.set(id, 0)
      if (ghosts.includes(id)) {
        ghosts = ghosts.filter((one) => one !== id)
        main.push(id)
      } else small.push(id)
    },
    used: (id) => void uses.set(id, Math.min(3, uses.get(id)! + 1)),
    removed(id) {
      const queue = small.includes(id) ? small : main
      queue.splice(queue.indexOf(id), 1)
      uses.delete(id)
    },
    victim() {
      for (;;) {
        const room = Math.floor(0.1 * (weigh(small) + weigh(main)))
        if (main.length === 0 || (small.length > 0 && weigh(small) >= room)) {
          const id = small[0]!
          if (uses.get(id)! < 2) {
            const capacity = Math.ceil((small.length + main.length) * 0.9)
            while (ghosts.length > 0 && ghosts.length >= capacity) ghosts.shift()
            ghosts.push(id)
            return id
          }
          main.push(small.shift()!)
          uses.set(id, 0)
          continue
        }
        const id = main[0]!
        if (uses.get(id) === 0) return id
        uses.set(id, uses.get(id)! - 1)
        main.push(main.shift()!)
      }
    },
  }
}

/** The sketch is W-TinyLFU's own; regions, admission, lazy promotion and the window's size are told anew. */
function plainWTinyLfu(weightOf: WeightOf, hashOf: (id: number) => number, random: SeededRandom): PlainEviction {
  const sketch = new FrequencySketch()
  const regions = { window: [] as number[], probation: [] as number[], protected: [] as number[] }
  type Region = keyof typeof regions
  const countedAt = new Map<number, number>()
  let requests = 0
  let lag = 0
  let adjustedAt = 0
  let hits = { window: 0, main: 0 }
  let share = 0.1
  const weigh = (region: Region): number => regions[region].reduce((sum, id) => sum + weightOf(id), 0)
  const regionOf = (id: number): Region =>
    (['window', 'probation', 'protected'] as const).find((region) => regions[region].includes(id))!
  const move = (id: number, to: Region): void => {
    const from = regions[regionOf(id)]
    from.splice(from.indexOf(id), 1)
    regions[to].push(id)
  }
  const count = (): number => regions.window.length + regions.probation.length + regions.protected.length
  const adjust = (): void => {
    const [windowWeight, mainWeight] = [weigh('window'), weigh('probation') + weigh('protected')]
    adjustedAt = requests
    if (windowWeight > 0 && mainWeight > 0 && hits.window + hits.main > 0) {
      const excess = Math.log(hits.window / windowWeight / (hits.main / mainWeight))
      share = Math.min(0.98, Math.max(0.01, share + Math.sign(excess) * Math.min(0.3, 0.1 * Math.abs(excess))))
    }
    hits = { window: 0, main: 0 }
  }
  const admits = (candidate: number, victim: number): boolean => {
    const ours = sketch.frequency(hashOf(candidate))
    return ours > sketch.frequency(hashOf(victim)) || (ours >= 6 && random.next() < 1 / 128)
  }
  return {
    added(id) {
      requests++
      regions.window.push(id)
      lag = count() >> 4
      sketch.ensureCapacity(count())
      countedAt.set(id, requests)
      sketch.increment(hashOf(id))
    },
    used(id) {
      requests++
      const region = regionOf(id)
      hits[region === 'window' ? 'window' : 'main']++
      if (requests - countedAt.get(id)! <= lag) return
      countedAt.set(id, requests)
      sketch.increment(hashOf(id))
      if (region !== 'probation') return move(id, region)
      move(id, 'protected')
      const room = 0.8 * (weigh('probation') + weigh('protected'))
      for (let moves = 0; moves < 16 && weigh('protected') > room && regions.protected[0] !== id; moves++) {
        move(regions.protected[0]!, 'probation')
      }
    },
    removed(id) {
      const region = regions[regionOf(id)]
      region.splice(region.indexOf(id), 1)
    },
    victim(weight) {
      if (requests - adjustedAt >= 2 * count()) adjust()
      const main = weigh('probation') + weigh('protected')
      const room = Math.max(share * (weigh('window') + main), weight)
      for (let moves = 0; moves < 16 && weigh('window') > room; moves++) move(regions.window[0]!, 'probation')
      const candidate = regions.window[0]
      const victim = regions.probation[0] ?? regions.protected[0]
      if (victim === undefined) return candidate!
      if (candidate === undefined || weigh('window') + weight <= room) return victim
      if (!admits(candidate, victim)) return candidate
      move(candidate, 'probation')
      return victim
    },
  }
}

const PLAIN: Record<EvictionName, (weightOf: WeightOf, hashOf: (id: number) => number) => PlainEviction> = {
  fifo: plainFifo,
  lru: plainLru,
  lfu: plainLfu,
  sieve: plainSieve,
  's3-fifo': plainS3Fifo,
  'w-tinylfu': (weightOf, hashOf) => plainWTinyLfu(weightOf, hashOf, new SeededRandom(7)),
}

/** A spread that no two of the ids used here share. */
const hashOf = (id: number): number => Math.imul(id + 1, 0x9e3779b1)

/** Real and plain side by side: whoever leaves one must leave the other. */
class Pair {
  readonly #slots = new Slots({ isSized: true, isByTenant: false, evictionWords: 1, expected: 1_000 })
  readonly #real: Eviction
  readonly #plain: PlainEviction
  readonly #slotOf = new Map<number, number>()
  readonly #weights = new Map<number, number>()

  constructor(name: EvictionName) {
    this.#real = EVICTIONS[name].create(this.#slots, new SeededRandom(7))
    this.#plain = PLAIN[name]((id) => this.#weights.get(id)!, hashOf)
  }

  ask(id: number, weight: number, capacity: number): void {
    const slot = this.#slotOf.get(id)
    if (slot !== undefined) {
      this.#real.used(slot)
      this.#plain.used(id)
      return
    }
    while (this.#total() + weight > capacity && this.#slotOf.size > 0) {
      const left = this.#slots.key(this.#real.victim(weight, undefined)) as number
      expect(left).toBe(this.#plain.victim(weight))
      this.drop(left)
    }
    const taken = this.#slots.take(id, undefined, hashOf(id))
    this.#slots.setGroup(taken, 1)
    this.#slots.setBytes(taken, weight)
    this.#weights.set(id, weight)
    this.#slotOf.set(id, taken)
    this.#real.added(taken)
    this.#plain.added(id)
  }

  drop(id: number): void {
    const slot = this.#slotOf.get(id)
    if (slot === undefined) return
    this.#real.removed(slot)
    this.#plain.removed(id)
    this.#slots.release(slot)
    this.#slotOf.delete(id)
    this.#weights.delete(id)
  }

  reweigh(id: number, weight: number): void {
    const slot = this.#slotOf.get(id)
    if (slot === undefined) return
    this.#real.reweighed(slot, weight - this.#weights.get(id)!)
    this.#slots.setBytes(slot, weight)
    this.#weights.set(id, weight)
  }

  check(): void {
    expect([...this.#real.order()].sort()).toEqual([...this.#slotOf.values()].sort())
  }

  #total(): number {
    return [...this.#weights.values()].reduce((sum, one) => sum + one, 0)
  }
}

const step = fc.record({
  does: fc.constantFrom('ask', 'ask', 'ask', 'ask', 'ask', 'ask', 'drop', 'reweigh'),
  id: fc.oneof(fc.nat(5), fc.nat(40)),
  weight: fc.integer({ min: 1, max: 9 }),
})

describe.each(EVICTION_NAMES)('S4-20: eviction %s', (name) => {
  it('does so over a long run whose workload shifts', () => {
    const pair = new Pair(name)
    const random = new SeededRandom(3)
    for (let request = 0; request < 20_000; request++) {
      const phase = Math.floor(request / 4_000) % 3
      // In turn: a few hot keys among many, keys that come again at once, a scan.
      const id =
        phase === 0
          ? Math.floor(300 * random.next() ** 4)
          : phase === 1
            ? 1_000 + (request >> 3)
            : 9_000 + (request % 70)
      pair.ask(id, 1 + (id % 5), 120)
      if (request % 97 === 0) pair.drop(id)
    }
    pair.check()
  })

  it.each([
    ['by entries', true],
    ['by weight', false],
  ])('chooses whom its plain model chooses, %s', (_what, isByEntries) => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 20, maxLength: 500, size: 'max' }),
        fc.integer({ min: 9, max: 60 }),
        (steps, capacity) => {
          const pair = new Pair(name)
          for (const { does, id, weight: given } of steps) {
            const weight = isByEntries ? 1 : given
            if (does === 'ask') pair.ask(id, weight, capacity)
            else if (does === 'drop') pair.drop(id)
            else pair.reweigh(id, weight)
          }
          pair.check()
        },
      ),
      { numRuns: 100 },
    )
  })
})
