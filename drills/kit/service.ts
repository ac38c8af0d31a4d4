import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { openService, type Service } from '../../src/cli/service.js'
import { diskTier } from '../../src/disk/index.js'
import { freshtier } from '../../src/fastify/index.js'
import { createCache, definePolicy, memoryTier, type PolicyOptions } from '../../src/index.js'
import type { ConsoleSnapshot } from '../../src/observe/console/console-snapshot.js'
import { logEvents } from '../../src/observe/index.js'
import { redisTier } from '../../src/redis/index.js'
import type { Database } from './database.js'

export const CACHE = 'shop'
export const TOKEN = 'a-token-for-drills-only'

export interface ServiceOptions {
  readonly redisPort: number
  readonly database: Database
  readonly policy?: Partial<PolicyOptions>
  /** Of a disk tier, between memory and Redis. */
  readonly directory?: string | undefined
  readonly memory?: Parameters<typeof memoryTier>[0]
}

/** A small real service: orders of tenants, read through memory, disk and Redis; plugin, metrics, console, log. */
export class DrillService {
  readonly url: string
  /** Its console API. */
  readonly console: Service
  /** What the console's stream told, the oldest first. */
  readonly events: Record<string, unknown>[] = []
  readonly log: object[]
  readonly #app: FastifyInstance
  readonly #client: Redis
  readonly #stop = new AbortController()
  readonly #listening: Promise<void>

  static async start(options: ServiceOptions): Promise<DrillService> {
    // What is away is found out at once, and asked for again soon.
    const client = new Redis({
      host: '127.0.0.1',
      port: options.redisPort,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: () => 50,
      disconnectTimeout: 0,
    })
    client.on('error', () => {})
    const log: object[] = []
    const app = await newApp(options, client, log)
    await app.listen({ host: '127.0.0.1', port: 0 })
    return new DrillService(app, client, log)
  }

  private constructor(app: FastifyInstance, client: Redis, log: object[]) {
    this.#app = app
    this.#client = client
    this.log = log
    this.url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    this.console = openService(this.url, TOKEN, this.#stop.signal)
    this.#listening = this.#listen().catch(() => {})
  }

  async order(tenant: string, key: string): Promise<number> {
    const answer = await fetch(`${this.url}/orders/${key}`, { headers: { 'x-tenant': tenant } })
    if (answer.status !== 200) throw new Error(`orders/${key} was answered with ${answer.status}`)
    return ((await answer.json()) as { version: number }).version
  }

  /** Writes to the database, then invalidates; true when that was acknowledged. */
  async change(tenant: string, key: string): Promise<boolean> {
    const answer = await fetch(`${this.url}/orders/${key}`, { method: 'POST', headers: { 'x-tenant': tenant } })
    await answer.arrayBuffer()
    return answer.status === 204
  }

  /** It has read, and is connected. */
  async isReady(): Promise<boolean> {
    await this.order('org-0', 'ready')
    return (await this.text('/metrics')).includes(`cache_is_current{cache="${CACHE}"} 1`)
  }

  /** So the console says. */
  async isWell(): Promise<boolean> {
    const { caches } = (await this.console.get('/snapshot')) as unknown as ConsoleSnapshot
    return caches.every(({ health }) => health.status === 'pass')
  }

  async text(path: string): Promise<string> {
    return (await fetch(`${this.url}${path}`)).text()
  }

  /** A second call does nothing. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    await this.#listening
    await this.#app.close()
    this.#client.disconnect()
  }

  async #listen(): Promise<void> {
    for await (const { event, data } of this.console.events('/events')) if (event === 'cache') this.events.push(data)
  }
}

async function newApp(options: ServiceOptions, client: Redis, log: object[]): Promise<FastifyInstance> {
  const { database, policy, directory, memory = { maxBytes: '16mb' } } = options
  const orders = definePolicy({
    name: 'orders',
    ttl: '10m',
    tags: () => ['orders'],
    fill: (key: string, { tenant }) => database.order(tenant, key),
    ...policy,
  })
  const disk = directory === undefined ? [] : [diskTier({ directory, maxBytes: '16mb', breaker: { timeout: '1s' } })]
  const app = Fastify({ forceCloseConnections: true })
  await app.register(freshtier, {
    open: () =>
      createCache({
        name: CACHE,
        tiers: [memoryTier(memory), ...disk, redisTier({ client, pollInterval: '100ms' })],
        maxStaleness: '1s',
        policies: [orders],
      }),
    tenant: ({ headers }) => headers['x-tenant'] as string | undefined,
    console: { token: TOKEN },
    health: { deadlineMs: 500 },
  })
  const keep = (line: object): void => void log.push(line)
  const endLog = logEvents(app.cache, { logger: { info: keep, warn: keep } })
  app.addHook('onClose', async () => endLog())
  app.get<{ Params: { key: string } }>('/orders/:key', async ({ cache, params }) => cache.getOrFill(orders, params.key))
  app.post<{ Params: { key: string } }>('/orders/:key', async ({ cache, params }, reply) => {
    database.change(cache.tenantId, params.key)
    await cache.invalidate({ tags: ['orders'] })
    return reply.code(204).send()
  })
  return app
}
