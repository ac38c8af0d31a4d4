import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Segment } from '../../../src/disk/segment.js'
import { fakeClock } from '../../../src/testing/index.js'
import { smallDisk } from '../../kit/small-disk.js'
import { diskCache } from './disk-caches.js'
import { openStore, temporaryDirectory, textOf } from './store-fixture.js'

const { read, write } = Segment.prototype
afterEach(() => {
  Object.assign(Segment.prototype, { read, write })
})

/** The device answers every such call with an error. */
function breakDevice(method: 'read' | 'write', code: string): void {
  const fail = () => Promise.reject(Object.assign(new Error(`${code}: broken for the test`), { code }))
  Object.assign(Segment.prototype, { [method]: fail })
}

describe('S4-11: a full disk', () => {
  it.each([
    ['segments of 1 MB', '32mb', 16 * 1024 * 1024],
    ['a budget far above the disk', '16mb', 6 * 1024 * 1024],
  ] as const)('sets keep working and reads never stop: %s', { timeout: 120_000 }, async (_name, maxBytes, bytes) => {
    const disk = smallDisk(bytes)
    try {
      const { store } = await openStore({ directory: disk.directory, maxBytes })
      let failed = 0
      for (let n = 0; n < 400; n++) {
        if (!(await store.set({ key: `k${n}`, value: `${n}:`.padEnd(64 * 1024, 'x') }))) failed++
        const found = await textOf(store, `k${n - 10}`)
        if (found !== undefined) expect(found.startsWith(`${n - 10}:`)).toBe(true)
        expect(await textOf(store, `k${n}`)).toBe(`${n}:`.padEnd(64 * 1024, 'x'))
      }
      expect(failed).toBe(0)
      expect(store.stats()).toMatchObject({ reads: 'closed', writes: 'closed' })
      expect(existsSync(join(disk.directory, 'v1/HEALING'))).toBe(false)
      await store.close()
    } finally {
      disk.remove()
    }
  })
})

describe('a disk that does not keep up', () => {
  it('refuses what would wait beyond the limit, says so once, and takes more when it has caught up', async () => {
    const { store, troubles } = await openStore({ maxBytes: '1gb', maxLogValueBytes: '512kb' })
    const value = 'x'.repeat(500_000)
    const rush = Array.from({ length: 150 }, (_, n) => store.set({ key: `k${n}`, value }))
    const refused = (await Promise.all(rush)).filter((isStored) => !isStored).length
    expect(refused).toBeGreaterThan(0)
    expect(troubles).toMatchObject([{ kind: 'failed', operation: 'write' }])
    expect(await store.set({ key: 'later', value })).toBe(true)
    expect(store.stats()).toMatchObject({ refused, errors: 1, writes: 'closed' })
  })
})

describe('a device that fails', () => {
  it('two deletions of one key are both told what became of the one that was written', async () => {
    const { store } = await openStore()
    await store.set({ key: 'a', value: 'one' })
    breakDevice('write', 'EIO')
    expect(await Promise.all([store.delete(['a']), store.delete(['a'])])).toEqual([false, false])
  })

  it('opens the breaker of writes alone: reads go on, nothing throws, nothing older comes back', async () => {
    const clock = fakeClock()
    const opened = await openStore({}, { clock })
    const { store, troubles } = opened
    await store.set({ key: 'a', value: 'one' })
    await store.set({ key: 'b', value: 'one' })
    breakDevice('write', 'EIO')
    for (let n = 0; n < 8; n++) expect(await store.set({ key: 'b', value: 'two' })).toBe(false)
    expect(await store.delete(['c'])).toBe(true)
    expect(store.stats()).toMatchObject({ writes: 'open', reads: 'closed' })
    expect(troubles).toContainEqual({ kind: 'breaker', part: 'writes', state: 'open' })
    expect(await textOf(store, 'a')).toBe('one')
    expect(await textOf(store, 'b')).toBeUndefined()
    Segment.prototype.write = write
    await clock.advance(31_000)
    for (let n = 0; n < 3; n++) expect(await store.set({ key: `again ${n}`, value: 'three' })).toBe(true)
    expect(store.stats().writes).toBe('closed')
    await store.close()
    // What could not be deleted then is not believed now.
    const second = await openStore({ directory: opened.directory }, { clock })
    expect(await textOf(second.store, 'b')).toBeUndefined()
    expect(await textOf(second.store, 'again 1')).toBe('three')
  })

  it('opens the breaker of reads: misses, then values again', async () => {
    const clock = fakeClock()
    const { store } = await openStore({}, { clock })
    await store.set({ key: 'a', value: 'one' })
    breakDevice('read', 'EIO')
    for (let n = 0; n < 6; n++) expect(await textOf(store, 'a')).toBeUndefined()
    expect(store.stats()).toMatchObject({ reads: 'open', writes: 'closed' })
    expect(await store.set({ key: 'b', value: 'two' })).toBe(true)
    Segment.prototype.read = read
    expect(await textOf(store, 'a')).toBeUndefined()
    await clock.advance(31_000)
    expect(await textOf(store, 'a')).toBe('one')
  })

  it('a cache goes on without it, and says so; only an invalidation that would be forgotten rejects', async () => {
    const cache = diskCache({})
    await cache.set('a', 1)
    const failures: string[] = []
    cache.on('tier-failed', ({ tier, operation }) => void failures.push(`${tier} ${operation}`))
    breakDevice('write', 'EROFS')
    expect(await cache.getOrFill('b', () => 2)).toBe(2)
    await expect(cache.delete('a')).rejects.toMatchObject({ code: 'DISK_TIER_FAILED' })
    await expect(cache.set('c', 3)).rejects.toMatchObject({ code: 'DISK_TIER_FAILED' })
    expect(await cache.getOrFill('a', () => 4)).toBe(4)
    expect(failures).toContain('disk write')
  })
})

describe('a directory', () => {
  it('that is a file, or lies on a read-only disk, is a cache without a disk', async () => {
    const directory = join(temporaryDirectory(), 'file')
    writeFileSync(directory, '')
    const cache = diskCache({ directory })
    const failed = new Promise((resolve) => cache.on('tier-failed', resolve))
    expect(await cache.getOrFill('a', () => 1)).toBe(1)
    expect(await failed).toMatchObject({ tier: 'disk', operation: 'open' })
  })

  it('that is deleted under the store goes on, and comes back with what is stored next', async () => {
    const { store, directory } = await openStore({ maxBytes: '1mb' })
    await store.set({ key: 'a', value: 'one' })
    rmSync(join(directory, 'v1'), { recursive: true })
    expect(await textOf(store, 'a')).toBe('one')
    for (let n = 0; n < 300; n++) expect(await store.set({ key: `k${n}`, value: 'x'.repeat(1_000) })).toBe(true)
    expect(await store.set({ key: 'large', value: Buffer.alloc(100_000) })).toBe(true)
    expect((await store.get('large'))?.value.length).toBe(100_000)
    await store.close()
    const second = await openStore({ directory })
    expect(await textOf(second.store, 'k299')).toBe('x'.repeat(1_000))
  })

  it('belongs to one writer; another one is told who, or gets a sub-directory', async () => {
    const { directory, store } = await openStore()
    await expect(openStore({ directory })).rejects.toMatchObject({
      code: 'DISK_LOCKED',
      message: expect.stringContaining(`process ${process.pid}`),
    })
    const second = await openStore({ directory, whenLocked: 'own-directory' })
    expect(second.store.directory).toBe(join(store.directory, 'process-2'))
    await store.close()
    expect((await openStore({ directory })).store.directory).toBe(store.directory)
  })

  it('of a dead process is taken over, also if its number was given to another one', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    for (const owner of [
      { pid: child.pid, started: '' },
      { pid: process.ppid, started: '1' },
      { pid: 1, started: '0', boot: 'of yesterday' },
    ]) {
      const directory = temporaryDirectory()
      mkdirSync(directory, { recursive: true })
      const { host, boot } = await ownLock()
      writeFileSync(join(directory, 'LOCK'), JSON.stringify({ host, boot, token: 'x', ...owner }))
      const { store } = await openStore({ directory })
      expect(await store.set({ key: 'a', value: 'one' })).toBe(true)
    }
  })

  it('whose lock somebody else got hold of is given up at the next segment', async () => {
    const { directory, store, troubles } = await openStore({ maxBytes: '1mb' })
    const { host, boot } = JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8')) as { host: string; boot: string }
    writeFileSync(
      join(directory, 'LOCK'),
      JSON.stringify({ pid: process.pid, started: '', host, boot, token: 'other' }),
    )
    for (let n = 0; n < 300; n++) await store.set({ key: `k${n}`, value: 'x'.repeat(1_000) })
    expect(store.state).toBe('failed')
    expect(await store.get('k299')).toBeUndefined()
    expect(troubles).toContainEqual(expect.objectContaining({ kind: 'failed', operation: 'lock' }))
  })

  it('with a lock of another machine is believed for a minute after its last sign of life', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'LOCK'), JSON.stringify({ pid: 1, host: 'other', boot: 'b', token: 't' }))
    const clock = fakeClock({ wallStartMs: Date.now() })
    await expect(openStore({ directory }, { clock })).rejects.toMatchObject({ code: 'DISK_LOCKED' })
    await clock.advance(61_000)
    expect((await openStore({ directory }, { clock })).store.state).toBe('open')
  })
})

/** Runs a script on the built package in a process of its own, and gives back what it printed as JSON. */
function inProcess(script: string, directory: string, shell = 'exec "$0" --input-type=module -e "$1" "$2"'): unknown {
  const head = `import { openDiskStore } from '${new URL('../../../dist/disk/index.js', import.meta.url).href}'\n`
  const { stdout, stderr } = spawnSync('bash', ['-c', shell, process.execPath, head + script, directory], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

describe('a process without the right to write', () => {
  it('EACCES from the beginning: the directory does not open, and says why', () => {
    const directory = temporaryDirectory()
    chmodSync(directory, 0o555)
    const script = `
      if (process.getuid() === 0) process.setuid(65534)
      const code = await openDiskStore({ directory: process.argv[1] }).then(() => 'open', ({ code }) => code)
      console.log(JSON.stringify({ code }))`
    expect(inProcess(script, directory)).toEqual({ code: 'EACCES' })
  })

  it('EACCES later: what is there is read on, what cannot be stored is a refusal, the breaker of writes opens', () => {
    const directory = temporaryDirectory()
    chmodSync(directory, 0o777)
    const script = `
      import { chmodSync } from 'node:fs'
      if (process.getuid() === 0) process.setuid(65534)
      const store = await openDiskStore({ directory: process.argv[1], maxBytes: '1mb' })
      await store.set({ key: 'a', value: 'one' })
      chmodSync(process.argv[1] + '/v1/log', 0o555)
      chmodSync(process.argv[1] + '/v1/files', 0o555)
      const large = await store.set({ key: 'large', value: Buffer.alloc(100_000) })
      let stored = 0
      for (let n = 0; n < 400; n++) if (await store.set({ key: 'k' + n, value: 'x'.repeat(1000) })) stored++
      const a = String((await store.get('a'))?.value)
      chmodSync(process.argv[1] + '/v1/log', 0o755)
      chmodSync(process.argv[1] + '/v1/files', 0o755)
      console.log(JSON.stringify({ large, someStored: stored > 0 && stored < 400, a, writes: store.stats().writes }))
      await store.close()`
    expect(inProcess(script, directory)).toEqual({ large: false, someStored: true, a: 'one', writes: 'open' })
  })
})

describe('a disk that is for reading only', () => {
  it('EROFS: what is there is read on, what cannot be stored is a refusal, and a new store does not open', async () => {
    const disk = smallDisk(8 * 1024 * 1024)
    try {
      const first = await openStore({ directory: disk.directory, maxBytes: '2mb' })
      await first.store.set({ key: 'a', value: 'one' })
      await first.store.close()
      const { store, troubles } = await openStore({ directory: disk.directory, maxBytes: '2mb' })
      disk.makeReadOnly()
      for (let n = 0; n < 6; n++) expect(await store.set({ key: `k${n}`, value: 'two' })).toBe(false)
      const failed = (operation: string) =>
        expect.objectContaining({ operation, error: expect.objectContaining({ code: 'EROFS' }) })
      expect(troubles).toContainEqual(failed('write'))
      expect(await textOf(store, 'a')).toBe('one')
      expect(store.stats()).toMatchObject({ writes: 'open', reads: 'closed' })
      await store.close()
      if (disk.kind === 'limited') return
      const next = await openStore({ directory: disk.directory, whenLocked: 'own-directory' })
      expect(next.store.state).toBe('failed')
      expect(next.troubles).toContainEqual(failed('open'))
    } finally {
      disk.remove()
    }
  })
})

describe('a process without file descriptors', () => {
  it('EMFILE stops new segments, and reads of old ones go on', () => {
    const script = `
      import { openSync } from 'node:fs'
      const store = await openDiskStore({ directory: process.argv[1], maxBytes: '1mb' })
      await store.set({ key: 'a', value: 'one' })
      try { for (;;) openSync('/dev/null') } catch {}
      let stored = 0
      for (let n = 0; n < 400; n++) if (await store.set({ key: 'k' + n, value: 'x'.repeat(1000) })) stored++
      const a = String((await store.get('a'))?.value)
      console.log(JSON.stringify({ someStored: stored > 0 && stored < 400, a, writes: store.stats().writes }))
      process.exit(0)`
    const found = inProcess(script, temporaryDirectory(), 'ulimit -n 64; exec "$0" --input-type=module -e "$1" "$2"')
    expect(found).toEqual({ someStored: true, a: 'one', writes: 'open' })
  })
})

async function ownLock(): Promise<{ host: string; boot: string }> {
  const { directory, store } = await openStore()
  const owner = JSON.parse(readFileSync(join(directory, 'LOCK'), 'utf8')) as { host: string; boot: string }
  await store.close()
  return owner
}
