import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type DiskStore, openDiskStore } from '../../../src/disk/index.js'
import { cli } from './run-cli.ts'

let directory: string
let store: DiskStore

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freshtier-cli-disk-'))
  store = await openDiskStore({ directory, maxBytes: '8mb' })
  for (let n = 0; n < 50; n++) await store.set({ key: `key-${n}`, value: `value-${n}`.padEnd(500, '.') })
  await store.set({ key: 'large', value: Buffer.alloc(600 * 1024, 7) })
})

afterEach(async () => {
  await store.close()
  rmSync(directory, { recursive: true, force: true })
})

const json = (text: string) => JSON.parse(text) as Record<string, unknown>

/** Turns one bit in the middle of the only segment. */
async function damage(): Promise<void> {
  const folder = join(directory, 'v1/log')
  const name = readdirSync(folder).find((one) => one.endsWith('.log'))!
  const bytes = await readFile(join(folder, name))
  const at = bytes.indexOf('value-20') + 3
  bytes[at] = bytes[at]! ^ 1
  await writeFile(join(folder, name), bytes)
}

describe('disk stats', () => {
  it('says what lies there, and whether somebody writes to it', async () => {
    const used = await cli(['disk', 'stats', directory, '--json'])
    expect(used.code).toBe(0)
    expect(json(used.out)).toMatchObject({ directory, segments: 1, files: 1, isInUse: true })
    await store.close()
    const { code, out } = await cli(['disk', 'stats', directory])
    expect({ code, out }).toEqual({
      code: 0,
      out: expect.stringMatching(/^[\d.]+ KB in 1 segments and 1 files of large values\.\nNobody writes to it\.$/),
    })
  })
})

describe('disk verify', () => {
  it('ends with 0 where every byte is as it was written', async () => {
    await store.close()
    const { code, out } = await cli(['disk', 'verify', directory])
    expect(code).toBe(0)
    expect(out).toMatch(/^5\d records in 1 segments and 1 files, .*: all read\.\nEverything is as it was written\.$/)
  })

  it('ends with 1 where it is not, and says where, never what', async () => {
    await store.close()
    await damage()
    const told = await cli(['disk', 'verify', directory, '--json'])
    expect(told.code).toBe(1)
    expect(json(told.out).faults).toEqual([expect.stringContaining('damaged')])
    const { code, out } = await cli(['disk', 'verify', directory])
    expect(code).toBe(1)
    expect(out).toContain('1 places are not as written:\n  seg-')
    expect(out).not.toContain('value-')
  })
})

describe('disk repair', () => {
  it('makes a directory forget what is damaged', async () => {
    await store.close()
    await damage()
    const { code, out } = await cli(['disk', 'repair', directory, '--json'])
    expect({ code, ...json(out) }).toMatchObject({ code: 0, directory, damaged: 1, removed: 0 })
    const again = await openDiskStore({ directory, maxBytes: '8mb' })
    expect(await again.get('key-20')).toBeUndefined()
    expect((await again.get('key-21'))?.value.toString()).toContain('value-21')
    await again.close()
  })

  it('ends with 3 while a process writes there', async () => {
    const { code, out, err } = await cli(['disk', 'repair', directory])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(err).toMatch(/^error: .*(directory|lock)/i)
  })
})

describe('bad input ends with 2', () => {
  it.each([
    [['disk'], "missing required argument 'action'"],
    [['disk', 'verify'], "missing required argument 'directory'"],
    [['disk', 'mend', '.'], "The action must be one of verify, repair, stats; got 'mend'"],
    [['disk', 'constructor', '.'], 'The action must be one of'],
    [['disk', 'verify', '/nowhere'], "There is no disk tier at '/nowhere'."],
    [['disk', 'stats', '\u001b[2J'], "There is no disk tier at '\\u{1b}[2J'."],
    [['disk', 'stats', '.', '--redis', 'redis://a'], "unknown option '--redis'"],
  ])('%j', async (args, message) => {
    const { code, out, err } = await cli(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })
})

it('an interrupted run ends with 130', async () => {
  await store.close()
  const stop = new AbortController()
  stop.abort()
  expect((await cli(['disk', 'verify', directory], { signal: stop.signal })).code).toBe(130)
})
