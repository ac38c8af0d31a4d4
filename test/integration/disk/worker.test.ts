import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type * as Disk from '../../../src/disk/index.js'
import { scratchParent } from '../../kit/scratch-parent.js'
import { until } from '../../kit/until.js'

// The built package: a worker thread needs its script as JavaScript.
const { openDiskStore, verifyDirectory, repairDirectory, directoryStats } = (await import(
  new URL('../../../dist/disk/index.js', import.meta.url).href
)) as typeof Disk
const { Maintenance } = (await import(new URL('../../../dist/disk/maintenance.js', import.meta.url).href)) as {
  Maintenance: new (options: {
    hasWorker: boolean
  }) => {
    run(task: object): Promise<{ records: number }>
    close(): Promise<void>
  }
}

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(scratchParent, 'freshtier-worker-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const workers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length

async function fill(entries: number): Promise<void> {
  const store = await openDiskStore({ directory, maxBytes: '256mb' })
  for (let from = 0; from < entries; from += 2_000) {
    await store.setMany(Array.from({ length: 2_000 }, (_, n) => ({ key: `k${from + n}`, value: `value ${from + n}` })))
  }
  await store.set({ key: 'large', value: Buffer.alloc(700_000, 'x') })
  await store.close()
}

describe('S4-14, B30: a second process', () => {
  it('reads what the first wrote: small, packed and large values, a batch, and what was deleted', async () => {
    const script = `
      import { openDiskStore } from '${new URL('../../../dist/disk/index.js', import.meta.url).href}'
      const store = await openDiskStore({ directory: process.argv[1], maxBytes: '256mb', compression: { minBytes: '1kb' } })
      await store.set({ key: 'small', value: 'one' })
      await store.set({ key: 'packed', value: 'two '.repeat(10_000) })
      await store.set({ key: 'large', value: Buffer.alloc(700_000, 3) })
      await store.setMany([{ key: 'b1', value: '1' }, { key: 'b2', value: '2' }, { key: 'deleted', value: '3' }])
      await store.delete(['deleted'])
      if (process.argv[2] === 'orderly') await store.close()
      process.kill(process.pid, 'SIGKILL')`
    for (const end of ['orderly', 'killed']) {
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, directory, end])
      expect(child.signal, String(child.stderr)).toBe('SIGKILL')
      const troubles: unknown[] = []
      const store = await openDiskStore({ directory, maxBytes: '256mb', onTrouble: (one) => troubles.push(one) })
      const found = await store.getMany(['small', 'packed', 'b1', 'b2', 'deleted'])
      expect(found.map((one) => one?.value.toString())).toEqual(['one', 'two '.repeat(10_000), '1', '2', undefined])
      expect((await store.get('large'))?.value.equals(Buffer.alloc(700_000, 3))).toBe(true)
      expect(troubles).toEqual([])
      await store.close()
    }
  })
})

describe('S4-8: a value of 50 MB', () => {
  it('goes in and out in many turns of the loop, packed or not', { timeout: 120_000 }, async () => {
    const value = Buffer.from('{"unit":1,"state":"normal","at":1700000000000}'.repeat(1_200_000).slice(0, 50_000_000))
    for (const compression of ['none', { codec: 'gzip', level: 1 }] as const) {
      const store = await openDiskStore({ directory, maxBytes: '1gb', compression })
      for (const given of [value, value.toString('latin1')]) {
        let turns = 0
        let isDone = false
        const count = (): void => {
          turns++
          if (!isDone) setImmediate(count)
        }
        count()
        expect(await store.set({ key: 'large', value: given })).toBe(true)
        const found = await store.get('large')
        isDone = true
        expect(found?.value.equals(value)).toBe(true)
        expect(turns).toBeGreaterThan(100)
      }
      if (compression !== 'none') expect(store.stats().bytes).toBeLessThan(value.length / 10)
      await store.close()
    }
  })
})

describe('S4-16: the maintenance worker', () => {
  it('opens a large directory while the loop stays free, and ends', async () => {
    await fill(60_000)
    const before = workers()
    let turns = 0
    let isOpen = false
    const count = (): void => {
      turns++
      if (!isOpen) setImmediate(count)
    }
    count()
    const store = await openDiskStore({ directory, maxBytes: '256mb' })
    isOpen = true
    expect(store.stats().entries).toBe(60_001)
    expect((await store.get('k59999'))?.value.toString()).toBe('value 59999')
    // Reading 3 MB of hints in this thread would have been one turn.
    expect(turns).toBeGreaterThan(20)
    await store.close()
    await until(() => workers() <= before, { what: 'the end of the worker' })
  })

  it('S4-14: verify tells what is damaged, repair forgets it', async () => {
    await fill(2_000)
    expect(await verifyDirectory(directory)).toMatchObject({ faults: [], files: 1, records: 2_001 })
    const stats = directoryStats(directory)
    expect(stats).toMatchObject({ segments: 1, files: 1, isInUse: false })
    const { readFileSync, writeFileSync } = await import('node:fs')
    const path = join(directory, 'v1/log/seg-00000001.log')
    const bytes = readFileSync(path)
    bytes[1_000]! ^= 0xff
    writeFileSync(path, bytes)
    writeFileSync(join(directory, 'v1/files/0123456789abcdef-1.value'), '')
    expect((await verifyDirectory(directory)).faults).toEqual(['seg-00000001.log: 1 damaged record'])
    expect(await repairDirectory(directory)).toEqual({ damaged: 1, removed: 1 })
    const store = await openDiskStore({ directory, maxBytes: '256mb' })
    expect(store.stats().entries).toBe(2_000)
    await expect(repairDirectory(directory)).rejects.toMatchObject({ code: 'DISK_LOCKED' })
    await store.close()
  })

  it('S4-14: a program that only repairs waits for the end of it', async () => {
    await fill(2_000)
    const door = JSON.stringify(new URL('../../../dist/disk/index.js', import.meta.url).href)
    const program = `import { repairDirectory } from ${door}
      console.log(JSON.stringify(await repairDirectory(${JSON.stringify(directory)})))`
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    expect({ status, stdout: stdout.trim() }).toEqual({ status: 0, stdout: '{"damaged":0,"removed":0}' })
  })

  it('S4-14: a directory without a disk tier is refused, and none is made', async () => {
    const nowhere = join(directory, 'mistyped')
    const refused = {
      field: 'directory',
      message: expect.stringContaining('must be the directory of a disk tier') as unknown,
    }
    await expect(verifyDirectory(nowhere)).rejects.toMatchObject(refused)
    await expect(repairDirectory(nowhere)).rejects.toMatchObject(refused)
    expect(existsSync(nowhere)).toBe(false)
  })

  it('does its work in this thread once it has died twice', async () => {
    await fill(2_000)
    let begun = 0
    const kill = (worker: Worker): void => {
      begun++
      void worker.terminate()
    }
    process.on('worker', kill)
    try {
      const maintenance = new Maintenance({ hasWorker: true })
      const found = await maintenance.run({ task: 'inspect', directory: join(directory, 'v1') })
      expect(found.records).toBe(2_001)
      expect(begun).toBe(2)
      await maintenance.close()
    } finally {
      process.off('worker', kill)
    }
  })
})
