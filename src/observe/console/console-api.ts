import type { Readable } from 'node:stream'
import type { Cache } from '../../core/create-cache.js'
import { checkFields } from '../../core/options.js'
import type { Clock } from '../../core/ports/clock.js'
import { systemClock } from '../../core/system-clock.js'
import { checkCaches } from '../check-caches.js'
import { clearTenant, examine, explainEntry, invalidate, readEntry } from './console-actions.js'
import { changeEviction, measureTiers } from './console-controls.js'
import { ConsoleGuard, type Wanted } from './console-guard.js'
import { ConsoleHistory } from './console-history.js'
import { ConsolePurges } from './console-purge.js'
import { answer, failure, refusal } from './console-replies.js'
import { Snapshots } from './console-snapshot.js'
import { ConsoleStreams } from './console-stream.js'
import { TenantTally } from './tenant-tally.js'

/** A request, whatever server it came to. */
export interface ConsoleRequest {
  readonly method: string
  /** Below the place where the API is mounted: `/snapshot`. */
  readonly path: string
  readonly query: URLSearchParams
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly remoteAddress: string | undefined
  /** Parsed JSON of a POST. */
  readonly body?: unknown
}

export interface ConsoleReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A stream goes on until its client leaves or the API closes. */
  readonly body: string | Readable
}

export interface ConsoleApiOptions {
  /** What changes and values need, and everything from another machine. At least 16 characters. Default: none. */
  token?: string | undefined
  /** For tests. */
  clock?: Clock
}

/** What the console and the command line ask a running process; see docs/console-api.md. */
export interface ConsoleApi {
  /** True if a token is set. */
  readonly hasToken: boolean
  /** Never rejects. */
  handle(request: ConsoleRequest): Promise<ConsoleReply>
  /** Ends every stream, and the looks behind `/history`. */
  close(): void
}

interface Route {
  readonly method: 'GET' | 'POST'
  readonly wanted: (request: ConsoleRequest) => Wanted
  readonly run: (request: ConsoleRequest) => Promise<ConsoleReply> | ConsoleReply
}

/**
 * The server side of the console, for any HTTP server: a snapshot of what caches say about themselves, a stream of what
 * happens, and changes that need a token.
 *
 * @throws InvalidOptionError
 */
export function consoleApi(caches: Cache | readonly Cache[], options: ConsoleApiOptions = {}): ConsoleApi {
  const watched = checkCaches(caches, 'consoleApi')
  const { token, clock = systemClock } = checkFields(options, ['token', 'clock'], 'consoleApi') as ConsoleApiOptions
  const guard = new ConsoleGuard(token, 'consoleApi.token')
  const tallies = watched.map((cache) => new TenantTally(cache, clock))
  const snapshots = new Snapshots(watched, { tallies, clock, canChange: guard.hasToken })
  const streams = new ConsoleStreams(watched, { snapshots, tallies, clock })
  const history = new ConsoleHistory(watched, clock)
  const purges = new ConsolePurges(watched, clock)
  const look = (): Wanted => 'look'
  const change = (): Wanted => 'change'
  const routes: Readonly<Record<string, Route>> = {
    '/snapshot': { method: 'GET', wanted: look, run: async () => answer(await snapshots.take()) },
    '/history': { method: 'GET', wanted: look, run: () => answer({ caches: history.take() }) },
    '/events': { method: 'GET', wanted: look, run: () => streams.open() },
    '/entry': {
      method: 'GET',
      wanted: ({ query }) => (query.get('value') === '1' ? 'value' : 'look'),
      run: async ({ query }) => answer(await readEntry(watched, query)),
    },
    '/doctor': { method: 'GET', wanted: look, run: async () => answer(await examine(watched)) },
    '/explain': { method: 'GET', wanted: look, run: async ({ query }) => answer(await explainEntry(watched, query)) },
    '/invalidate': { method: 'POST', wanted: change, run: async ({ body }) => answer(await invalidate(watched, body)) },
    '/clear': { method: 'POST', wanted: change, run: async ({ body }) => answer(await clearTenant(watched, body)) },
    '/purge': { method: 'POST', wanted: change, run: ({ body }) => purges.run(body) },
    '/eviction': { method: 'POST', wanted: change, run: ({ body }) => answer(changeEviction(watched, body, clock)) },
    '/measure': {
      method: 'POST',
      wanted: change,
      run: async ({ body }) => answer(await measureTiers(watched, body, clock)),
    },
  }
  return {
    hasToken: guard.hasToken,
    async handle(request) {
      const route = Object.hasOwn(routes, request.path) ? routes[request.path] : undefined
      const refused = guard.refuse(request, route?.wanted(request) ?? 'look')
      if (refused) return refused
      if (route === undefined) return refusal(404, 'NOT_FOUND', 'There is no such path.')
      if (request.method !== route.method) return refusal(405, 'WRONG_METHOD', `This path takes ${route.method}.`)
      try {
        return await route.run(request)
      } catch (error) {
        return failure(error)
      }
    },
    close: () => {
      streams.close()
      history.close()
    },
  }
}
