import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { PressureChange } from '../../../src/core/ports/local-tier.js'
import {
  cgroupLimitBytes,
  type MemoryReadings,
  oldGenerationLimit,
  processReadings,
} from '../../../src/memory/memory-readings.js'
import type { MemoryTierOptions } from '../../../src/memory/memory-tier.js'
import { newEntry, newSpace, openTier } from './memory-fixture.js'

const MB = 1024 * 1024

/** Memory as a test says it is. */
class ScriptedReadings implements MemoryReadings {
  youngBytes = 0
  usedBytes = 10 * MB
  residentBytes = 50 * MB
  readonly rssLimitBytes = 1_000 * MB
  looks = 0

  heap() {
    this.looks++
    const { youngBytes, usedBytes } = this
    return { youngBytes, usedBytes, committedBytes: usedBytes, limitBytes: 100 * MB }
  }

  rssBytes(): number {
    return this.residentBytes
  }

  /** A collection that leaves so much. */
  collect(liveBytes: number): void {
    this.usedBytes = liveBytes
  }
}

function openUnder(options: MemoryTierOptions = { maxEntries: 100_000 }) {
  const readings = new ScriptedReadings()
  const changes: PressureChange[] = []
  const opened = openTier({ ...options, pressure: readings }, 1, (change) => changes.push(change))
  const space = newSpace()
  let nextId = 0
  const store = (count: number): void => {
    for (let left = count; left > 0; left--) opened.tier.set(space, nextId++, newEntry('v', { freshUntilMs: 1e9 }))
  }
  return { ...opened, readings, changes, store }
}

describe('memory pressure', () => {
  it('leaves the tier alone while memory is plentiful', () => {
    const { tier, store, clock, changes } = openUnder()
    store(10_000)
    clock.advance(60_000)
    expect(tier.usage().entries).toBe(10_000)
    expect(changes).toEqual([])
    expect(tier.details().pressure).toEqual({
      isShrunk: false,
      shrinks: 0,
      maxEntries: 100_000,
      maxBytes: Infinity,
    })
  })

  it('S4-17: shrinks by a fifth of what is held when the heap is about to overflow, without a timer', () => {
    const { tier, store, readings, changes, removed } = openUnder()
    store(10_000)
    readings.usedBytes = 95 * MB
    store(1_024)
    expect(changes).toHaveLength(1)
    expect(changes[0]).toMatchObject({ state: 'shrunk', cause: 'heap', usedBytes: 95 * MB, limitBytes: 100 * MB })
    const room = changes[0]!.maxEntries
    expect(room).toBeGreaterThan(7_900)
    expect(room).toBeLessThan(8_900)
    store(1_000)
    expect(tier.usage().entries).toBe(room)
    expect(removed.every(({ reason }) => reason === 'evicted')).toBe(true)
  })

  it('S4-17: shrinks before the young generation is promoted at once, then waits for what that brings', () => {
    const { store, readings, changes } = openUnder()
    store(10_000)
    readings.usedBytes = 65 * MB
    store(5_000)
    expect(changes).toEqual([])
    readings.youngBytes = 52 * MB
    store(1_024)
    expect(changes).toMatchObject([{ state: 'shrunk', cause: 'heap', usedBytes: 91 * MB }])
    readings.youngBytes = 64 * MB
    store(5_000)
    expect(changes).toHaveLength(1)
    readings.usedBytes = 70 * MB
    store(1_024)
    expect(changes).toHaveLength(2)
  })

  it('keeps to the smaller room by a bounded number of leavers a store', () => {
    const { tier, store, readings } = openUnder()
    store(50_000)
    readings.usedBytes = 95 * MB
    while (tier.details().pressure.shrinks === 0) store(1)
    const before = tier.usage().entries
    store(1)
    expect(before - tier.usage().entries).toBeLessThanOrEqual(32)
    expect(tier.usage().entries).toBeGreaterThan(tier.details().pressure.maxEntries)
  })

  it('waits for a collection before it shrinks again, and shrinks again if that brought too little', () => {
    const { store, readings, changes } = openUnder()
    store(10_000)
    readings.usedBytes = 95 * MB
    store(5_000)
    expect(changes).toHaveLength(1)
    readings.collect(80 * MB)
    store(5_000)
    expect(changes).toHaveLength(2)
    readings.collect(60 * MB)
    store(5_000)
    expect(changes).toHaveLength(2)
  })

  it('does not take garbage for live values: what a collection left is what counts', () => {
    const { store, readings, changes } = openUnder()
    store(10_000)
    for (let round = 0; round < 10; round++) {
      readings.usedBytes = 85 * MB
      store(2_000)
      readings.collect(40 * MB)
      store(2_000)
    }
    expect(changes).toEqual([])
  })

  it('goes on shrinking while the heap grows in spite of it', () => {
    const { store, readings, changes } = openUnder()
    store(20_000)
    for (let used = 91; used < 100; used += 2) {
      readings.usedBytes = used * MB
      store(1_024)
    }
    expect(changes.length).toBeGreaterThanOrEqual(4)
    expect(changes.every(({ state }) => state === 'shrunk')).toBe(true)
  })

  it('S4-17: grows back in steps once memory is plentiful again, and says when it has all', () => {
    const { tier, store, readings, clock, changes } = openUnder({ maxEntries: 12_000 })
    store(10_000)
    readings.usedBytes = 95 * MB
    store(1_024)
    readings.collect(30 * MB)
    clock.advance(4_000)
    expect(changes).toHaveLength(1)
    clock.advance(60_000)
    const states = changes.map(({ state }) => state)
    expect(states).toEqual(['shrunk', ...states.slice(2).map(() => 'grown'), 'relieved'])
    expect(states.length).toBeGreaterThan(4)
    expect(changes.at(-1)).toMatchObject({ maxEntries: 12_000 })
    expect(tier.details().pressure).toMatchObject({ isShrunk: false, shrinks: 1 })
  })

  it('holds still between high and low', () => {
    const { store, readings, clock, changes } = openUnder()
    store(10_000)
    readings.usedBytes = 95 * MB
    store(1_024)
    readings.collect(65 * MB)
    clock.advance(120_000)
    expect(changes).toHaveLength(1)
  })

  it('looks at resident memory in the background', () => {
    const { tier, store, readings, clock, changes } = openUnder()
    store(10_000)
    readings.residentBytes = 950 * MB
    clock.advance(2_000)
    expect(changes).toEqual([expect.objectContaining({ state: 'shrunk', cause: 'rss', limitBytes: 1_000 * MB })])
    clock.advance(2_000)
    expect(tier.usage().entries).toBeLessThanOrEqual(8_000)
    clock.advance(5_000)
    expect(changes).toHaveLength(2)
    readings.residentBytes = 400 * MB
    clock.advance(20_000)
    expect(changes.at(-1)).toMatchObject({ state: 'grown', cause: 'rss' })
  })

  it('keeps a small room whatever happens, and then stops telling', () => {
    const { tier, store, readings, clock, changes } = openUnder()
    store(1_000)
    readings.residentBytes = 990 * MB
    clock.advance(600_000)
    expect(tier.usage().entries).toBeGreaterThan(50)
    expect(tier.usage().entries).toBeLessThanOrEqual(64)
    expect(changes.length).toBeLessThan(20)
  })

  it('shrinks a tier bounded by bytes by bytes', () => {
    const { tier, store, readings, changes } = openUnder({ maxBytes: '100mb' })
    store(20_000)
    const { bytes } = tier.usage()
    readings.usedBytes = 95 * MB
    store(1_024)
    expect(changes[0]!.maxBytes).toBeLessThan(bytes * 0.9)
    store(1_024)
    expect(tier.usage().bytes).toBeLessThanOrEqual(changes[0]!.maxBytes)
  })

  it('looks more often the faster the heap grows', () => {
    const { store, readings } = openUnder()
    store(5_000)
    const before = readings.looks
    store(2_048)
    expect(readings.looks - before).toBeLessThanOrEqual(9)
    for (let step = 0; step < 300; step++) {
      readings.usedBytes += 0.1 * MB
      store(1)
    }
    const fast = readings.looks
    store(300)
    expect(readings.looks - fast).toBeGreaterThan(1)
  })

  it('can be turned off', () => {
    const { tier } = openTier({ maxEntries: 1_000, pressure: false })
    expect(tier.details().pressure).toMatchObject({ isShrunk: false })
  })
})

describe('the limit of a control group', () => {
  let folder: string | undefined
  afterEach(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true })
    folder = undefined
  })

  function paths(groups: string, limits: Record<string, string>) {
    folder = mkdtempSync(join(tmpdir(), 'freshtier-cgroup-'))
    writeFileSync(join(folder, 'groups'), groups)
    for (const [path, text] of Object.entries(limits)) {
      const file = join(folder, 'root', path)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(file, `${text}\n`)
    }
    return { groups: join(folder, 'groups'), root: join(folder, 'root') }
  }

  it.each([
    ['version 2, of the group itself', '0::/app/web', { 'app/web/memory.max': '268435456' }, 268435456],
    ['version 2, of a group above', '0::/app/web', { 'memory.max': 'max', 'app/memory.max': '1000' }, 1000],
    ['version 2, the tightest of all', '0::/a/b', { 'a/memory.max': '2000', 'a/b/memory.max': '3000' }, 2000],
    ['version 2, seen from inside a container', '0::/', { 'memory.max': '4096' }, 4096],
    ['version 2, told relative to another root', '0::/../../x', { 'x/memory.max': '4096' }, 4096],
    ['version 2, without a limit', '0::/app', { 'app/memory.max': 'max' }, undefined],
    ['version 1', '3:cpu:/x\n4:memory:/app', { 'memory/app/memory.limit_in_bytes': '5000' }, 5000],
    ['version 1, group not mounted', '4:memory:/docker/abc', { 'memory/memory.limit_in_bytes': '6000' }, 6000],
    ['version 1, with others', '4:cpu,memory:/', { 'memory/memory.limit_in_bytes': '7000' }, 7000],
    ['version 1, none', '4:memory:/', { 'memory/memory.limit_in_bytes': '9223372036854771712' }, undefined],
    ['both', '4:memory:/\n0::/', { 'memory/memory.limit_in_bytes': '8000', 'memory.max': '7500' }, 7500],
    ['nothing readable', 'nonsense', {}, undefined],
  ])('is found: %s', (_what, groups, limits, expected) => {
    expect(cgroupLimitBytes(paths(groups, limits as Record<string, string>))).toBe(expected)
  })

  it('is undefined where there are no control groups', () => {
    expect(cgroupLimitBytes({ groups: '/no/such/file', root: '/no/such/folder' })).toBeUndefined()
  })

  it('this process has readings that make sense', () => {
    const readings = processReadings()
    const { usedBytes, committedBytes, limitBytes } = readings.heap()
    expect(usedBytes).toBeGreaterThan(MB)
    expect(committedBytes).toBeGreaterThanOrEqual(usedBytes)
    expect(limitBytes).toBeGreaterThan(usedBytes)
    expect(readings.rssBytes()).toBeGreaterThan(usedBytes)
    expect(readings.rssLimitBytes).toBeGreaterThan(readings.rssBytes())
  })
})

// Limits as Node 20, 22 (V8 below 13) and 24 tell them.
describe('the limit of the old generation', () => {
  it.each([
    ['told', ['--max-old-space-size=128'], 11, 176, 128],
    ['told, since V8 13', ['--max-old-space-size=128'], 13, 320, 128],
    ['told with underscores', ['--max_old_space_size=128'], 13, 320, 128],
    ['told twice, the last one counts', ['--max-old-space-size=64', '--max-old-space-size=128'], 13, 320, 128],
    ['told for the process, this thread has less', ['--max-old-space-size=1024'], 13, 300, 300],
    ['chosen by V8', [], 11, 4_144, 4_096],
    ['chosen by V8, since V8 13', [], 13, 4_288, 4_096],
    ['chosen by V8 on a small machine', [], 13, 264, 231],
    ['semi-spaces told', ['--max-semi-space-size=8'], 13, 4_120, 4_096],
    ['a share of the memory', ['--max-old-space-size-percentage=1'], 13, 320, 128],
  ])('is found: %s', (_what, flags, v8, heapMb, expectedMb) => {
    expect(oldGenerationLimit({ heapLimitBytes: heapMb * MB, flags, v8 })).toBe(expectedMb * MB)
  })
})
