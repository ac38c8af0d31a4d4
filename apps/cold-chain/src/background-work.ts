import { BackgroundJob } from './background-job.js'
import type { CacheMonitor } from './cache/cache-monitor.js'
import type { Dashboard } from './dashboard/dashboard.js'
import type { Questions } from './dashboard/questions.js'
import type { Database } from './database/database.js'
import type { Change } from './domain/change.js'
import { markOffline } from './domain/mark-offline.js'
import { pruneReadings } from './domain/prune.js'
import type { SocketServer } from './realtime/socket-server.js'
import type { Releases } from './releases.js'
import type { Settings } from './settings.js'
import { Viewers } from './simulator/viewers.js'

export interface BackgroundWorkOptions {
  readonly settings: Settings
  readonly releases: Releases
  readonly database: Database
  readonly dashboard: Dashboard
  readonly questions: Questions
  readonly monitor: CacheMonitor
  readonly publish: (changes: readonly Change[]) => Promise<void>
  readonly sockets: SocketServer
  readonly failed: (what: string, error: unknown) => void
}

const OFFLINE_BATCH = 200
const READING_STREAM_MS = 50
const PRUNE_EVERY_MS = 3_600_000

/** Everything that happens without being asked for, apart from the simulated sensors. */
export async function startBackgroundWork(options: BackgroundWorkOptions): Promise<void> {
  const { settings, releases, database, monitor, sockets, failed } = options
  const every = (everyMs: number, name: string, work: (signal: AbortSignal) => unknown): void => {
    const job = new BackgroundJob({ name, everyMs, work, failed })
    releases.add(() => job.close())
  }
  every(READING_STREAM_MS, 'reading stream', () => sockets.readings.flush())
  every(1_000, 'cache metrics', () => {
    monitor.tick()
    sockets.emitCacheMetrics(() => ({ ...monitor.read(), instance: settings.instance }))
  })
  every(PRUNE_EVERY_MS, 'prune', (signal) =>
    pruneReadings(database, new Date(Date.now() - settings.keepReadingsMs), signal),
  )
  every(Math.max(500, settings.offlineAfterMs / 12), 'offline watch', createOfflineWatch(options))
  if (settings.demo.viewersPerSecond > 0) await startViewers(options)
}

/** A device that was silent while this process was not there is not blamed for it. */
function createOfflineWatch({ settings, database, publish }: BackgroundWorkOptions): () => Promise<void> {
  const startedAt = Date.now()
  return async () => {
    const silentSince = Date.now() - settings.offlineAfterMs
    if (silentSince < startedAt) return
    await publish(await markOffline(database, { silentSince: new Date(silentSince), limit: OFFLINE_BATCH }))
  }
}

async function startViewers({
  settings,
  releases,
  database,
  dashboard,
  questions,
  failed,
}: BackgroundWorkOptions): Promise<void> {
  const organisations = await database.query<{ id: string }>('SELECT id FROM organisations ORDER BY length(id), id')
  const organisationIds = organisations.map(({ id }) => id)
  const viewers = new Viewers({
    dashboard,
    questions,
    organisationIds,
    perSecond: settings.demo.viewersPerSecond,
    failed,
  })
  releases.add(() => viewers.close())
}
