import fs, { existsSync, mkdirSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/core/system-clock.js'
import { DiskTime } from '../../../src/disk/disk-time.js'
import { type LogOp, logOp } from '../../../src/disk/log-op.js'
import { ENTRY } from '../../../src/disk/record.js'
import { Segment } from '../../../src/disk/segment.js'
import { type LogOwner, SegmentLog } from '../../../src/disk/segment-log.js'
import { temporaryDirectory } from './store-fixture.js'

function entry(key: string, copyOf?: LogOp['copyOf']): LogOp {
  const value = Buffer.alloc(400, key)
  return logOp({ type: ENTRY, key, low: 1, high: 2, value, valueBytes: 400, rawBytes: 400, copyOf })
}

/** A log whose segments hold two records each, unless the test says otherwise. */
function smallLog(owner: Partial<LogOwner> = {}, { syncs = false, segmentBytes = 1_000 } = {}): SegmentLog {
  const directory = join(temporaryDirectory(), 'log')
  mkdirSync(directory)
  const nothing = (): void => {}
  const whole = { isWanted: () => true, applied: nothing, lost: nothing, failed: nothing, rolled: nothing }
  return new SegmentLog(
    { directory, segmentBytes, syncs },
    { ...whole, hasRoomFor: () => true, makeRoom: async () => {}, heal: async () => false, ...owner },
    new DiskTime(systemClock),
  )
}

describe('the log', () => {
  it('forgets the bytes that waited once they are written, also those of copies that came in between', async () => {
    let copies = 0
    const log = smallLog({
      hasRoomFor: () => false,
      makeRoom: async () => log.pushCopies([entry(`copy ${copies++}`, { slot: 0, offset: 0 })]),
    })
    for (let n = 0; n < 20; n++) {
      log.push(entry(`key ${n}`))
      expect(await log.written()).toBe(true)
    }
    expect(copies).toBeGreaterThan(5)
    expect(log.queuedBytes).toBe(0)
    await log.close()
  })

  it.each([
    [
      'hands over what waits before it tells who was in the last group, so that the disk does not wait for them',
      false,
      [2, 3],
    ],
    ['tells them first if it syncs, so that what they store next shares the next sync', true, [1, 2]],
  ] as const)('%s', async (_name, syncs, expected) => {
    const { write } = Segment.prototype
    let writes = 0
    Segment.prototype.write = function (this: Segment, ...rest) {
      writes++
      return write.apply(this, rest)
    }
    try {
      const log = smallLog({}, { syncs, segmentBytes: 4_000 })
      const told = new Promise<number>((settle) => log.push({ ...entry('first'), settle: () => settle(writes) }))
      for (let n = 0; n < 6; n++) log.push(entry(`key ${n}`))
      const writesThen = await told
      // As far as a store is from its caller.
      for (let promises = 0; promises < 10; promises++) await undefined
      log.push(entry('later'))
      expect(await log.written()).toBe(true)
      expect([writesThen, writes]).toEqual(expected)
      await log.close()
    } finally {
      Segment.prototype.write = write
    }
  })

  it('drops a segment once, however often it is asked to: its slot may be the next one’s', async () => {
    const log = smallLog()
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 4; n++) {
        log.push(entry(`key ${n}`))
        await log.written()
      }
    }
    await fill()
    const [oldest] = log.sealed
    const both = [log.drop(oldest!), log.drop(oldest!)]
    expect(log.keeps(oldest!)).toBe(false)
    expect(await Promise.all(both)).toEqual([true, true])
    expect(existsSync(oldest!.path)).toBe(false)
    await fill()
    const next = log.segment(oldest!.slot)!
    expect(next).not.toBe(oldest)
    expect(await log.drop(oldest!)).toBe(true)
    expect(await log.remove(oldest!)).toBe(true)
    expect(log.segment(oldest!.slot)).toBe(next)
    expect(await next.read(0, 500)).toHaveLength(500)
    await log.close()
  })

  it('closes a segment once, after the last of many reads, also of those that wait for the end of the turn', async () => {
    const log = smallLog()
    log.push(entry('key'))
    await log.written()
    const segment = log.segment(0)!
    const close = vi.spyOn(fs, 'close')
    syncBuiltinESMExports()
    try {
      const reads = Array.from({ length: 20 }, () => segment.read(0, 400))
      expect(await log.remove(segment)).toBe(true)
      for (const bytes of await Promise.all(reads)) expect(bytes).toHaveLength(400)
      expect(close).toHaveBeenCalledTimes(1)
    } finally {
      close.mockRestore()
      syncBuiltinESMExports()
    }
    await log.close()
  })
})
