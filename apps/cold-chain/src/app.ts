import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Cache } from 'freshtier'
import { freshtier } from 'freshtier/fastify'
import { logEvents } from 'freshtier/observe'
import { startBackgroundWork } from './background-work.js'
import { CacheMonitor } from './cache/cache-monitor.js'
import { type AppCache, openCache } from './cache/open-cache.js'
import { SecondBus } from './cache/second-bus.js'
import { Dashboard } from './dashboard/dashboard.js'
import { createQuestions } from './dashboard/questions.js'
import type { Database } from './database/database.js'
import { migrate } from './database/migrate.js'
import { openDatabase } from './database/open-database.js'
import { fillHistory } from './demo/fill-history.js'
import { seedOrganisations } from './demo/seed-organisations.js'
import type { Change } from './domain/change.js'
import { ReadingWriter } from './domain/reading-writer.js'
import { EscalationQueue } from './escalation-queue.js'
import { createServer } from './http/create-server.js'
import { registerRoutes } from './http/register-routes.js'
import { readSessionSecret } from './http/session-secret.js'
import { TenantTokens } from './http/tenant-token.js'
import { ownsPlace } from './realtime/owns-place.js'
import { ChangePublisher } from './realtime/publish-changes.js'
import { openSocketAdapter } from './realtime/socket-adapter.js'
import { SocketServer } from './realtime/socket-server.js'
import { Releases } from './releases.js'
import type { DemoSettings, Settings } from './settings.js'
import { Simulator } from './simulator/simulator.js'

export interface App {
  readonly server: FastifyInstance
  readonly database: Database
  readonly cache: AppCache
  readonly writer: ReadingWriter
  readonly tokens: TenantTokens
  readonly simulator: Simulator | undefined
  /** Opens the port; resolves with the address people type. */
  listen(): Promise<string>
  /** Ends everything in reverse order; a second call gets the same promise. */
  close(): Promise<void>
}

export interface StartOptions {
  /** Uses this database instead of opening the one of the settings; it is closed with the app. */
  readonly database?: Database
}

/** Puts the parts together: database, cache, writers, HTTP, sockets, simulation. What is opened here is closed here. */
export async function startApp(settings: Settings, options: StartOptions = {}): Promise<App> {
  const releases = new Releases()
  try {
    const database = options.database ?? (await openDatabase(settings))
    releases.add(() => database.close())
    return await assemble(settings, database, releases)
  } catch (error) {
    await releases.close()
    throw error
  }
}

async function assemble(settings: Settings, database: Database, releases: Releases): Promise<App> {
  await prepare(settings, database)
  const { eventNames, demo, longPolling } = settings
  const server = createServer(settings.logLevel, settings.instance)
  const failed = (what: string, error: unknown): void => server.log.warn({ err: error }, `${what} failed`)
  const tokens = new TenantTokens(settings.sessionSecret ?? readSessionSecret(settings.dataDirectory))
  const owns = ownsPlace.bind(undefined, database)
  const adapter = settings.cache.redis && openSocketAdapter(settings.cache.redis, failed)
  releases.add(() => adapter?.close())
  const sockets = new SocketServer({ http: server.server, tokens, eventNames, owns, adapter, longPolling, failed })

  const questions = createQuestions(database, settings.cache.ttlSeconds)
  const cache = await openCache({ settings: settings.cache, questions, failed })
  releases.add(() => cache.close())
  if (cache.cache) await observe(server, cache.cache, settings)
  const dashboard = new Dashboard({ cache: cache.cache })
  releases.add(() => dashboard.settle())

  const secondBus =
    settings.secondBus && cache.cache ? new SecondBus({ cache: cache.cache, sockets, failed }) : undefined
  releases.add(() => secondBus?.settle())
  const publisher = createPublisher(cache, { sockets, secondBus }, failed)
  releases.add(() => publisher.settle())
  const escalations = openEscalations(settings, { database, publisher, failed })
  releases.add(() => escalations?.close())
  const publish = (changes: readonly Change[]): Promise<void> => {
    escalations?.follow(changes)
    return publisher.publish(changes)
  }
  const writer = createWriter(database, publish, sockets)
  releases.add(() => writer.drain())
  const simulator = await startSimulator(demo, { database, writer, failed })
  releases.add(() => simulator?.close())

  const activity = (): Record<string, number> => ({
    pages: sockets.clients,
    simulatedReadingsPerSecond: simulator?.readingsPerSecond ?? 0,
    simulatedViewersPerSecond: demo.viewersPerSecond,
    queuedReadings: writer.queued,
  })
  const monitor = new CacheMonitor({ cache: cache.cache, dashboard, description: cache.description, activity })
  releases.add(() => monitor.close())
  const health = { database, cache: cache.cache, redis: cache.redis, ...readEnvironment() }
  const openDoor = shareDoors(simulator, sockets)
  const asked = { database, dashboard, questions, tokens, eventNames, writer, openDoor, monitor, health, publish }
  registerRoutes(server, asked)
  // Together: the one ends sockets, the other requests, and each alone would wait for those of the other.
  releases.add(() => Promise.all([sockets.close(), server.close()]))
  await server.ready()
  await startBackgroundWork({ settings, releases, database, dashboard, questions, monitor, publish, sockets, failed })

  const close = (): Promise<void> => releases.close()
  return { server, database, cache, writer, tokens, simulator, listen: () => listen(server, settings), close }
}

type Failed = (what: string, error: unknown) => void

async function prepare(settings: Settings, database: Database): Promise<void> {
  await migrate(database)
  await seedOrganisations(database, settings.demo)
  await fillHistory(database)
}

/** `/metrics`, the console, and log lines about what fails. `/health` is the app's own. */
async function observe(server: FastifyInstance, cache: Cache, { consoleToken: token }: Settings): Promise<void> {
  await server.register(freshtier, { cache, health: false, metrics: { dashboard: true }, console: { token } })
  // Its own place stays the one where `npx freshtier --url` looks for it.
  server.get('/console', async (_, reply) => reply.redirect('freshtier/'))
  const end = logEvents(cache, { logger: server.log })
  server.addHook('onClose', async () => end())
}

function createPublisher(
  { cache }: AppCache,
  { sockets, secondBus }: { sockets: SocketServer; secondBus: SecondBus | undefined },
  failed: Failed,
): ChangePublisher {
  return new ChangePublisher({
    invalidate: async (organisationId, tags) => {
      const told = await cache?.tenant(organisationId).invalidate({ tags, whenUnavailable: 'queue' })
      // While Redis is away it waits here: what is old elsewhere ends when Redis is back, not by its ttl.
      if (told?.state !== 'acknowledged') return undefined
      secondBus?.tell(organisationId, told.token)
      return told.token
    },
    emit: (change, receipt) => sockets.emit(change, receipt),
    invalidationFailed: (organisationId, tags, error) =>
      failed(`invalidating ${tags.join(', ')} of ${organisationId}`, error),
  })
}

function openEscalations(
  { escalateAfterMs, cache: { redis } }: Settings,
  { database, publisher, failed }: { database: Database; publisher: ChangePublisher; failed: Failed },
): EscalationQueue | undefined {
  if (escalateAfterMs === undefined || redis === undefined) return undefined
  const publish = publisher.publish.bind(publisher)
  return new EscalationQueue({ redis, escalateAfterMs, database, publish, failed })
}

function createWriter(
  database: Database,
  publish: (changes: readonly Change[]) => Promise<void>,
  sockets: SocketServer,
): ReadingWriter {
  return new ReadingWriter({
    database,
    committed: (changes, stored) => {
      sockets.readings.add(stored)
      return publish(changes)
    },
  })
}

async function startSimulator(
  demo: DemoSettings,
  parts: { database: Database; writer: ReadingWriter; failed: Failed },
): Promise<Simulator | undefined> {
  if (!demo.simulator) return undefined
  return Simulator.start({ ...parts, intervalMs: demo.readingIntervalMs, stateChangeRatio: demo.stateChangeRatio })
}

/** One instance has the sensors; whichever is asked, that one opens the door. */
function shareDoors(simulator: Simulator | undefined, sockets: SocketServer): (unitId: number) => Promise<boolean> {
  const openOwn = (unitId: unknown): boolean => simulator?.openDoor(Number(unitId)) ?? false
  sockets.onInstance('openDoor', (unitId, answer) => (answer as (isOpen: boolean) => void)(openOwn(unitId)))
  return async (unitId) => openOwn(unitId) || (await sockets.askInstances('openDoor', unitId)).includes(true)
}

function readEnvironment(): { version: string; environment: string } {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return { version, environment: process.env.NODE_ENV ?? 'development' }
}

async function listen(server: FastifyInstance, { host, port }: Settings): Promise<string> {
  await server.listen({ host, port })
  const { port: chosen } = server.server.address() as AddressInfo
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${chosen}`
}
