import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startRedisServer } from '../../servers/redis-server.ts'
import { cli } from './run-cli.ts'

interface Told {
  readonly rounds: number
  readonly contests: readonly {
    readonly name: string
    readonly sides: readonly { name: string; microseconds: number; ratio?: number; to?: string }[]
  }[]
}

describe('S4-6: bench', () => {
  it('measures memory and disk of this machine, and leaves nothing on it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'freshtier-cli-bench-'))
    const { code, out } = await cli(['bench', '--rounds', '1', '--directory', directory, '--json'])
    expect(code).toBe(0)
    const { contests, rounds } = JSON.parse(out) as Told
    expect({ rounds, names: contests.map(({ sides }) => sides.map(({ name }) => name)) }).toEqual({
      rounds: 1,
      names: [
        ['Map.get', 'peek', 'Map.get, awaited', 'getOrFill'],
        ['pread', 'disk tier'],
      ],
    })
    for (const { microseconds, ratio, to } of contests.flatMap(({ sides }) => sides)) {
      expect(microseconds).toBeGreaterThan(0)
      if (to !== undefined) expect(ratio).toBeGreaterThan(0)
    }
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  })

  it('measures a Redis beside its own client, and leaves no key in it', async () => {
    const server = await startRedisServer()
    const client = server.client()
    await client.set('of-others', 'stays')
    const { code, out } = await cli(['bench', '--only', 'redis', '--rounds', '1', '--redis', server.url])
    expect(code).toBe(0)
    expect(out).toMatch(/^a value of 1 KB in Redis at redis:.* +median +ratio$/m)
    expect(out).toMatch(/^Redis tier, 64 at a time +[\d.]+ (µs|ns) +[\d.]+ x GET, 64 at a time$/m)
    expect(await client.keys('*')).toEqual(['of-others'])
    await server.stop()
  })

  it.each([
    [['bench', '--rounds', '0'], "--rounds must be a whole number from 1 to 1000; got '0'"],
    [['bench', '--only', 'network'], "--only must be one of memory, disk, redis; got 'network'"],
    [['bench', '--only', 'redis'], 'Say which Redis'],
    [['bench', '--directory', '/nowhere'], '--directory must be a directory that exists'],
    [['bench', '--url', 'http://127.0.0.1'], 'This command measures this machine and a Redis'],
  ])('bad input ends with 2: %j', async (args, message) => {
    const { code, out, err } = await cli(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(message)
  })

  it('ends with 130 when interrupted', async () => {
    const stop = new AbortController()
    stop.abort()
    expect((await cli(['bench', '--only', 'memory'], { signal: stop.signal })).code).toBe(130)
  })
})
