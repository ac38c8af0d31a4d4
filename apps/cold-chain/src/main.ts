import cluster from 'node:cluster'
import { type App, startApp } from './app.js'
import { FolderInUseError } from './database/folder-lock.js'
import { explainListenError } from './http/explain-listen-error.js'
import { readSettings, type Settings, SettingsError } from './settings.js'

// What `npm start` runs: reads the settings, starts the app, says where it is, and ends it properly.
const startedAt = performance.now()

function readOrExplain(): Settings {
  try {
    return readSettings(process.env)
  } catch (error) {
    if (error instanceof SettingsError) return fail(error.message)
    throw error
  }
}

async function startOrExplain(settings: Settings): Promise<{ app: App; url: string }> {
  let app: App | undefined
  try {
    app = await startApp(settings)
    return { app, url: await app.listen() }
  } catch (error) {
    await app?.close()
    return fail(explain(error as NodeJS.ErrnoException, settings))
  }
}

function explain(error: NodeJS.ErrnoException, { host, port, databaseUrl }: Settings): string {
  const listening = explainListenError(error, { host, port, command: 'npm start' })
  if (listening !== undefined) return listening
  if (error instanceof FolderInUseError) return error.message
  if (databaseUrl !== undefined) return `The database of DATABASE_URL cannot be used: ${error.message}`
  return `The app could not start: ${error.stack ?? error.message}`
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

function describe({ database, cache, simulator }: App, { demo }: Settings, url: string): string[] {
  const console = cache.cache ? `${url}/console` : 'none, because the cache is off'
  const simulation = simulator
    ? `${simulator.readingsPerSecond.toFixed(0)} readings/s from sensors, ${demo.viewersPerSecond} dashboards/s (SIMULATOR=off stops them)`
    : 'off'
  return [
    `console     ${console}`,
    `database    ${database.description}`,
    `cache       ${cache.description}`,
    `simulated   ${simulation}`,
  ]
}

function endOn(app: App): void {
  let signals = 0
  const end = (): void => {
    signals += 1
    if (signals > 1) process.exit(1)
    app.close().then(
      () => process.exit(0),
      (error) => fail(`The app did not close cleanly: ${(error as Error).message}`),
    )
  }
  // A terminal sends Ctrl+C to every process: an instance of a cluster leaves it to the first one, which ends all in order.
  process.on('SIGINT', cluster.isWorker ? () => {} : end)
  process.on('SIGTERM', end)
  // A parent that starts this one over a channel (the load script, tests) ends it by hanging up.
  process.on('disconnect', end)
}

const settings = readOrExplain()
const { app, url } = await startOrExplain(settings)
endOn(app)
process.send?.({ type: 'listening', url })
process.stdout.write(
  [
    `cold-chain  ${url}   (ready in ${((performance.now() - startedAt) / 1_000).toFixed(1)} s, Ctrl+C ends it)`,
    ...describe(app, settings, url),
    '',
  ].join('\n'),
)
