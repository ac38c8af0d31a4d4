import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { startBackgroundWork } from './background-work.js'
import { CacheMonitor } from './cache/cache-monitor.js'
import { type AppCache, openCache } from './cache/open-cache.js'
import { Dashboard } from './dashboard/dashboard.js'
import { createQuestions } from './dashboard/questions.js'
import type { Database } from './database/database.js'
import { migrate } from './database/migrate.js'
import { openDatabase } from './database/open-database.js'
import { fillHistory } from './demo/fill-history.js'
import { seedOrganisations } from './demo/seed-organisations.js'
import { ReadingWriter } from './domain/reading-writer.js'
import { createServer } from './http/create-server.js'
import { readSessionSecret } from './http/session-secret.js'
import { TenantTokens } from './http/tenant-token.js'
import { ownsPlace } from './realtime/owns-place.js'
import { ChangePublisher } from './realtime/publish-changes.js'
import { SocketServer } from './realtime/socket-server.js'
import { Releases } from './releases.js'
import type { Settings } from './settings.js'
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
  // The logger is the server's, which needs the others first; whatever fails, fails later than that.
  const failed = (what: string, error: unknown): void => server.log.warn({ err: error }, `${what} failed`)

  const questions = createQuestions(database, settings.cache.ttlSeconds)
  const cache = await openCache({ settings: settings.cache, questions, failed })
  releases.add(() => cache.close())
  const dashboard = new Dashboard({ cache: cache.cache })
  releases.add(() => dashboard.settle())

  const publisher = createPublisher(cache, { emit: (change, receipt) => sockets.emit(change, receipt), failed })
  releases.add(() => publisher.settle())
  const writer = new ReadingWriter({
    database,
    committed: (changes, stored) => {
      sockets.readings.add(stored)
      return publisher.publish(changes)
    },
  })
  releases.add(() => writer.drain())
  const simulator = await startSimulator(settings, { database, writer, failed })
  releases.add(() => simulator?.close())

  const monitor = new CacheMonitor({ cache: cache.cache, dashboard, description: cache.description, activity })
  releases.add(() => monitor.close())
  const tokens = new TenantTokens(settings.sessionSecret ?? readSessionSecret(settings.dataDirectory))
  const { eventNames, logLevel } = settings
  const server = createServer({
    database,
    dashboard,
    questions,
    tokens,
    eventNames,
    writer,
    simulator,
    monitor,
    publish: (changes) => publisher.publish(changes),
    health: { database, cache: cache.cache, redis: cache.redis, version: readVersion(), environment: process.env.NODE_ENV ?? 'development' },
    logLevel,
  })
  const owns = ownsPlace.bind(undefined, database)
  const sockets = new SocketServer({ http: server.server, tokens, eventNames, owns, failed: (error) => failed('socket', error) })
  releases.add(async () => {
    await sockets.close()
    await server.close()
  })
  await server.ready()
  await startBackgroundWork({ settings, releases, database, dashboard, questions, monitor, publisher, sockets, failed })

  function activity(): Record<string, number> {
    return {
      pages: sockets.clients,
      simulatedReadingsPerSecond: simulator?.readingsPerSecond ?? 0,
      simulatedViewersPerSecond: simulator ? settings.demo.viewersPerSecond : 0,
      queuedReadings: writer.queued,
    }
  }
  return { server, database, cache, writer, tokens, simulator, listen: () => listen(server, settings), close: () => releases.close() }
}

async function prepare(settings: Settings, database: Database): Promise<void> {
  await migrate(database)
  await seedOrganisations(database, settings.demo)
  await fillHistory(database)
}

function createPublisher(
  { cache }: AppCache,
  { emit, failed }: { emit: SocketServer['emit']; failed: (what: string, error: unknown) => void },
): ChangePublisher {
  return new ChangePublisher({
    invalidate: async (organisationId, tags) => (await cache?.tenant(organisationId).invalidate({ tags }))?.token,
    emit,
    invalidationFailed: (organisationId, tags, error) => failed(`invalidating ${tags.join(', ')} of ${organisationId}`, error),
  })
}

async function startSimulator(
  { demo }: Settings,
  parts: { database: Database; writer: ReadingWriter; failed: (what: string, error: unknown) => void },
): Promise<Simulator | undefined> {
  if (!demo.simulator) return undefined
  return Simulator.start({ ...parts, intervalMs: demo.readingIntervalMs, stateChangeRatio: demo.stateChangeRatio })
}

function readVersion(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}

async function listen(server: FastifyInstance, { host, port }: Settings): Promise<string> {
  await server.listen({ host, port })
  const { port: chosen } = server.server.address() as AddressInfo
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${chosen}`
}
