import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../kit/until.ts'

const DEMO = fileURLToPath(new URL('../../../apps/cold-chain/dist/cluster/main.js', import.meta.url))
const SMALL = { PORT: '0', INSTANCES: '2', ORGS: '1', SITES_PER_ORG: '1', UNITS_PER_ORG: '4', LOG_LEVEL: 'error' }

const releases: (() => unknown)[] = []
afterEach(async () => {
  for (const release of releases.splice(0).reverse()) await release()
})

interface Listening {
  readonly url: string
  readonly instances: readonly { number: number; pid: number }[]
}

interface Demo {
  readonly child: ChildProcess
  readonly output: { stdout: string; stderr: string }
  readonly listening: Promise<Listening>
  readonly exited: Promise<number | null>
}

function run(environment: Record<string, string>): Demo {
  const child = fork(DEMO, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { PATH: process.env.PATH, ...environment },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout!.on('data', (chunk) => (output.stdout += chunk))
  child.stderr!.on('data', (chunk) => (output.stderr += chunk))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  releases.push(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const listening = Promise.race([
    once(child, 'message').then(([message]) => message as Listening),
    exited.then(() => Promise.reject(new Error(`the demo ended: ${output.stderr}`))),
  ])
  listening.catch(() => {})
  return { child, output, listening, exited }
}

/** Where the demo puts what it starts; another user must be able to enter it. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cold-chain-demo-'))
  releases.push(() => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o777)
  return folder
}

/** Which instance answers on a connection of its own; undefined: nobody did. */
function instanceOf(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const asked = request(`${url}/health/ready`, { agent: false }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode === 200 ? String(answer.headers.instance) : undefined))
    })
    asked.on('error', () => resolve(undefined)).end()
  })
}

async function answering(url: string): Promise<Set<string | undefined>> {
  return new Set([await instanceOf(url), await instanceOf(url), await instanceOf(url), await instanceOf(url)])
}

describe('npm run demo:cluster', () => {
  it('S2-2: all instances answer behind one port; a killed one is replaced; Ctrl+C leaves nothing', async () => {
    const TMPDIR = await temporaryFolder()
    const demo = run({ ...SMALL, TMPDIR })
    const { url, instances } = await demo.listening
    expect(instances.map(({ number }) => number)).toEqual([1, 2])
    expect(await answering(url)).toEqual(new Set(['1', '2']))
    expect((await readdir(TMPDIR)).map((name) => name.split('-')[2]).sort()).toEqual(['postgres', 'redis'])

    process.kill(instances[1]!.pid, 'SIGKILL')
    await until(() => demo.output.stdout.includes('instance 2  ended (SIGKILL)'), { what: 'the news of its end' })
    expect(await answering(url)).toEqual(new Set(['1']))
    await until(async () => (await answering(url)).has('2'), {
      what: 'another instance 2',
      withinMs: 60_000,
      everyMs: 100,
    })

    demo.child.kill('SIGINT')
    expect(await demo.exited).toBe(0)
    expect(demo.output.stderr).toBe('')
    expect(await readdir(TMPDIR)).toEqual([])
  })

  it('leaves nothing behind when it is killed itself', async () => {
    const TMPDIR = await temporaryFolder()
    const demo = run({ ...SMALL, TMPDIR })
    const { url } = await demo.listening
    demo.child.kill('SIGKILL')
    await until(async () => (await readdir(TMPDIR)).length === 0, { what: 'the end of the servers', withinMs: 60_000 })
    await until(async () => (await instanceOf(url)) === undefined, {
      what: 'the end of the instances',
      withinMs: 60_000,
    })
  })

  it('a taken port gets one clear line, before anything is started', async () => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    releases.push(() => holder.close())
    const { port } = holder.address() as AddressInfo
    const TMPDIR = await temporaryFolder()
    const demo = run({ ...SMALL, TMPDIR, PORT: String(port) })
    expect(await demo.exited).toBe(1)
    const stderr = `Port ${port} on 127.0.0.1 is taken. Stop what runs there, or choose another: PORT=${port + 1} npm run demo:cluster\n`
    expect(demo.output).toEqual({ stdout: '', stderr })
    expect(await readdir(TMPDIR)).toEqual([])
  })

  it.each([
    [{ INSTANCES: '1' }, 'INSTANCES=1 is not allowed: it must be a whole number from 2 to 16.\n'],
    [{ ORGS: 'x' }, 'ORGS=x is not allowed: it must be a whole number from 1 to 10000.\n'],
    [
      { REDIS_URL: 'redis://a' },
      'REDIS_URL is set, but the demo starts servers of its own: leave it out, or run npm start.\n',
    ],
  ])('%j is refused', async (wrong, stderr) => {
    const demo = run({ ...SMALL, ...wrong })
    expect(await demo.exited).toBe(1)
    expect(demo.output).toEqual({ stdout: '', stderr })
  })

  it('says with the exact line what to install', async () => {
    const demo = run({ ...SMALL, PATH: '/nowhere' })
    expect(await demo.exited).toBe(1)
    expect(demo.output.stderr).toMatch(/^The demo needs redis-server, which cannot be run here. Install with: .*\n$/)
    const line = /apt-get install -y --no-install-recommends redis-server\n$|brew install redis\n$/
    expect(demo.output.stderr).toMatch(line)
  })
})
