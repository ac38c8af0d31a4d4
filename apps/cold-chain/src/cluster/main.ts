import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { explainListenError } from '../http/explain-listen-error.js'
import { Releases } from '../releases.js'
import { readSettings, type Settings, SettingsError } from '../settings.js'
import { findPrograms, MissingProgramsError } from './find-programs.js'
import { Instances } from './instances.js'
import { startPostgresServer } from './postgres-server.js'
import { startRedisServer } from './redis-server.js'
import type { TemporaryServer } from './temporary-server.js'

// What `npm run demo:cluster` runs: a Redis and a PostgreSQL of its own, several instances of the app behind one port.
const startedAt = performance.now()
const releases = new Releases()
/** What the demo decides itself. */
const OWN = [
  'DATABASE_URL',
  'DATABASE_SCHEMA',
  'REDIS_URL',
  'REDIS_HOST',
  'REDIS_PORT',
  'INSTANCE',
  'SIMULATOR',
  'LONG_POLLING',
  'DATA_DIR',
]
const MAX_INSTANCES = 16

class UsageError extends Error {}

function readCount(): number {
  const text = process.env.INSTANCES?.trim() || '3'
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (count >= 2 && count <= MAX_INSTANCES) return count
  throw new UsageError(`INSTANCES=${text} is not allowed: it must be a whole number from 2 to ${MAX_INSTANCES}.`)
}

/** Everything an instance is told; what can be wrong is found out before anything starts. */
function readEnvironment(): { settings: Settings; environment: Record<string, string> } {
  const set = OWN.find((name) => process.env[name]?.trim())
  if (set)
    throw new UsageError(`${set} is set, but the demo starts servers of its own: leave it out, or run npm start.`)
  const environment = {
    ESCALATE_AFTER_MINUTES: '1',
    SECOND_BUS: 'on',
    SESSION_SECRET: randomBytes(32).toString('hex'),
    LONG_POLLING: 'off',
    ...(process.env as Record<string, string>),
  }
  const settings = readSettings({ ...environment, REDIS_URL: 'redis://a', DATABASE_URL: 'postgres://a' })
  return { settings, environment }
}

/** The port is held by the instances later; a taken one must not cost anybody the start of two databases. */
async function findPort({ host, port }: Settings): Promise<number> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  const { port: found } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return found
}

async function start(): Promise<void> {
  const count = readCount()
  const { settings, environment } = readEnvironment()
  const port = await findPort(settings).catch((error) => {
    throw new UsageError(explainListenError(error, { ...settings, command: 'npm run demo:cluster' }) ?? error.message)
  })
  const programs = await findPrograms()
  const created = (server: TemporaryServer): void => releases.add(() => server.close())
  const [redisUrl, databaseUrl] = await Promise.all([startRedisServer(created), startPostgresServer(programs, created)])
  const instances = new Instances({
    file: fileURLToPath(new URL('../main.js', import.meta.url)),
    count,
    told: (line) => void process.stdout.write(`${line}\n`),
    environmentOf: (number) => ({
      ...environment,
      PORT: String(port),
      REDIS_URL: redisUrl,
      DATABASE_URL: databaseUrl,
      INSTANCE: String(number),
      SIMULATOR: number === 1 ? 'on' : 'viewers',
    }),
  })
  releases.add(() => instances.stop())
  process.once('exit', () => instances.kill())
  await instances.start()
  const url = `http://${settings.host}:${port}`
  tell(url, { redisUrl, databaseUrl, instances })
  process.send?.({ type: 'listening', url, instances: instances.list() })
}

function tell(
  url: string,
  { redisUrl, databaseUrl, instances }: { redisUrl: string; databaseUrl: string; instances: Instances },
): void {
  const lines = instances.list().map(({ number, pid }) => {
    const work = number === 1 ? 'sensors and viewers' : 'viewers'
    return `instance ${number}  pid ${pid}, simulates ${work}`
  })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  process.stdout.write(
    [
      `cold-chain  ${url}   (${lines.length} instances, ready in ${seconds} s, Ctrl+C ends it and removes everything)`,
      `redis       ${new URL(redisUrl).host}: cache, BullMQ and Socket.IO`,
      `postgresql  ${new URL(databaseUrl).host}`,
      ...lines,
      '',
    ].join('\n'),
  )
}

let signals = 0
function end(): void {
  signals += 1
  // The instances are killed on the way out; the servers have watchdogs of their own.
  if (signals > 1) process.exit(1)
  releases.close().then(
    () => process.exit(0),
    (error) => fail(`The demo did not close cleanly: ${(error as Error).message}`),
  )
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) process.on(event, end)
try {
  await start()
} catch (error) {
  if (signals === 0) {
    await releases.close().catch(() => {})
    const isPlain = [UsageError, MissingProgramsError, SettingsError].some((kind) => error instanceof kind)
    fail(isPlain ? (error as Error).message : `The demo could not start: ${(error as Error).message}`)
  }
}
