import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../servers/free-port.ts'

const MAIN = fileURLToPath(new URL('../../../apps/cold-chain/dist/main.js', import.meta.url))
const LOAD = fileURLToPath(new URL('../../../apps/cold-chain/dist/load/main.js', import.meta.url))
const SMALL = { ORGS: '1', SITES_PER_ORG: '1', UNITS_PER_ORG: '1', PORT: '0' }

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

interface Run {
  readonly child: ChildProcess
  readonly output: () => { stdout: string; stderr: string }
  /** The address it listens on. */
  readonly listening: Promise<string>
  readonly exited: Promise<number | null>
}

function run(environment: Record<string, string>, file = MAIN, args: string[] = []): Run {
  const child = fork(file, args, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, ...environment },
  })
  const text = { stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk) => (text.stdout += chunk))
  child.stderr!.on('data', (chunk) => (text.stderr += chunk))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  releases.push(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const listening = once(child, 'message').then(([message]) => (message as { url: string }).url)
  return { child, output: () => text, listening, exited }
}

async function dataFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cold-chain-test-'))
  releases.unshift(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function countReadings(url: string): Promise<number> {
  const session = await fetch(`${url}/api/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ organisationId: 'org-1' }),
  })
  const { token } = (await session.json()) as { token: string }
  const answer = await fetch(`${url}/api/organisations/org-1/compliance`, {
    headers: { authorization: `Bearer ${token}` },
  })
  return ((await answer.json()) as { readings: number }).readings
}

describe('the process', () => {
  it('starts on a port of its own, ends on SIGTERM with 0, and keeps its data', async () => {
    const DATA_DIR = await dataFolder()
    const first = run({ ...SMALL, DATA_DIR })
    const readings = await countReadings(await first.listening)
    first.child.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    expect(first.output().stdout).toMatch(
      /^cold-chain {2}http:\/\/127\.0\.0\.1:\d+ .*\nconsole .*\/console\ndatabase .*PGlite.*\ncache .*memory.*\nsimulated .*readings\/s/,
    )
    expect(first.output().stderr).toBe('')
    const second = run({ ...SMALL, DATA_DIR })
    expect(await countReadings(await second.listening)).toBeGreaterThanOrEqual(readings)
  })

  it('is none the worse for being killed', async () => {
    const DATA_DIR = await dataFolder()
    const first = run({ ...SMALL, DATA_DIR })
    await first.listening
    first.child.kill('SIGKILL')
    await first.exited
    const second = run({ ...SMALL, DATA_DIR })
    expect(await countReadings(await second.listening)).toBeGreaterThan(100)
  })

  it('refuses a data folder that another one uses, and leaves it alone', async () => {
    const DATA_DIR = await dataFolder()
    const first = run({ ...SMALL, DATA_DIR })
    const url = await first.listening
    const second = run({ ...SMALL, DATA_DIR })
    expect(await second.exited).toBe(1)
    expect(second.output().stderr).toContain(`is in use by process ${first.child.pid}`)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  it('a taken port gets one clear line and exit code 1', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    releases.push(() => holder.close())
    const { port } = holder.address() as { port: number }
    const taken = run({ ...SMALL, DATA_DIR: await dataFolder(), PORT: String(port) })
    expect(await taken.exited).toBe(1)
    expect(taken.output()).toEqual({
      stdout: '',
      stderr: `Port ${port} on 127.0.0.1 is taken. Stop what runs there, or choose another: PORT=${port + 1} npm start\n`,
    })
  })

  it('a wrong variable gets one clear line and exit code 1, before anything is opened', async () => {
    const DATA_DIR = await dataFolder()
    const wrong = run({ DATA_DIR, PORT: 'abc' })
    expect(await wrong.exited).toBe(1)
    expect(wrong.output()).toEqual({
      stdout: '',
      stderr: 'PORT=abc is not allowed: it must be a whole number from 0 to 65535.\n',
    })
    expect(await readdir(DATA_DIR)).toEqual([])
  })

  it('a database that cannot be reached gets a clear line without its password', async () => {
    const port = await freePort()
    const lost = run({
      ...SMALL,
      DATA_DIR: await dataFolder(),
      DATABASE_URL: `postgres://me:hunter2@127.0.0.1:${port}/x`,
    })
    expect(await lost.exited).toBe(1)
    expect(lost.output().stderr).toMatch(/^The database of DATABASE_URL cannot be used: .*\n$/)
    expect(lost.output().stderr).not.toContain('hunter2')
  })

  it('the load script explains a wrong option and exits with 2', async () => {
    const wrong = run({}, LOAD, ['--minutes', 'soon'])
    expect(await wrong.exited).toBe(2)
    expect(wrong.output().stderr).toMatch(/^--minutes must be a number from 0.05 to 1440; got 'soon'\.\n/)
  })

  it('S2-48: the load script plays a small scenario: verdicts, figures, JSON, and the way from a write to a fresh read', async () => {
    const load = run({}, LOAD, [
      '--minutes',
      '0.1',
      '--organisations',
      '3',
      '--units',
      '4',
      '--changes',
      '0.2',
      '--events',
      '50',
      '--json',
    ])
    await load.exited
    const { steps, verdicts } = JSON.parse(load.output().stdout)
    expect(steps[0]).toMatchObject({ errors: 0, hitRatio: expect.any(Number), hitMs: { p99: expect.any(Number) } })
    const older = verdicts.find(({ name }: { name: string }) => name === 'answers older than their event')
    expect(older).toMatchObject({ holds: true, measured: expect.stringMatching(/^0 of \d+ events/) })
    const fresh = verdicts.find(({ name }: { name: string }) => name === 'P99 write to fresh read')
    expect(fresh).toMatchObject({ target: '< 500 ms', measured: expect.stringMatching(/^[\d.]+ ms$/) })
  }, 300_000)
})
