import { type Cache, createCacheWith } from '../core/create-cache.js'
import { errorText } from '../core/error-text.js'
import type { SharedTier } from '../core/ports/shared-tier.js'
import { systemClock } from '../core/system-clock.js'
import { systemRandom } from '../core/system-random.js'
import { memoryTier } from '../memory/memory-tier.js'
import { type IoredisClient, redisTier } from '../redis/index.js'
import { RedisLayout } from '../redis-protocol/redis-layout.js'
import { badInput, CliError } from './cli-error.js'
import { EXIT } from './command.js'

const CONNECT_MS = 5_000
const COMMAND_MS = 5_000

/** What is called of ioredis, which the user's project brings. */
interface CliClient extends IoredisClient {
  connect(): Promise<void>
  disconnect(): void
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/** One cache on one Redis. */
export interface RedisAccess {
  /** `redis://127.0.0.1:6379/0`, without credentials. */
  readonly address: string
  readonly layout: RedisLayout
  /** One command, by name and arguments. */
  command(...command: [name: string, ...args: string[]]): Promise<unknown>
  /** The cache, without a memory of its own: what it answers is what Redis holds. */
  cache(): Cache
  /** The tier itself, for its log. */
  tier(): SharedTier
  close(): Promise<void>
}

/** @throws CliError for an address that is none, a package that is missing, a server that does not answer. */
export async function connectRedis(url: string, of: { name: string; prefix: string }): Promise<RedisAccess> {
  const address = describeRedis(url)
  const client = await openClient(url, address)
  const definition = redisTier({
    client,
    prefix: of.prefix,
    commandTimeout: `${COMMAND_MS}ms`,
    pollInterval: '0ms',
  })
  const opened: { close(): Promise<unknown> }[] = []
  const keep = <T extends { close(): Promise<unknown> }>(part: T): T => {
    opened.push(part)
    return part
  }
  return {
    address,
    layout: new RedisLayout(of.prefix, of.name),
    command: (name, ...args) => client.call(name, args),
    cache: () => keep(createCacheWith(memoryTier, { name: of.name, tiers: [definition], maxStaleness: '30s' })),
    tier: () => keep(definition.open({ cacheName: of.name, clock: systemClock, random: systemRandom })),
    close: async () => {
      try {
        for (const part of opened) await part.close()
      } finally {
        client.disconnect()
      }
    },
  }
}

/** @throws CliError, without repeating what may hold a password. */
function describeRedis(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '') {
    throw badInput("--redis (or REDIS_URL) must be a URL such as 'redis://127.0.0.1:6379'.")
  }
  return `${url.protocol}//${url.host}${url.pathname}`
}

async function openClient(url: string, address: string): Promise<CliClient> {
  const { Redis } = await loadIoredis()
  const client = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: CONNECT_MS,
    commandTimeout: COMMAND_MS,
    // Else a timer of two seconds stays behind.
    disconnectTimeout: 0,
  })
  let cause: unknown
  client.on('error', (error) => {
    cause = error
  })
  try {
    await client.connect()
    return client
  } catch (error) {
    client.disconnect()
    throw new CliError(EXIT.unreachable, `Redis at ${address} cannot be reached: ${errorText(cause ?? error)}`)
  }
}

async function loadIoredis(): Promise<{ Redis: new (url: string, options: object) => CliClient }> {
  try {
    return (await import('ioredis')) as unknown as { Redis: new (url: string, options: object) => CliClient }
  } catch {
    throw badInput("--redis needs the package 'ioredis' beside freshtier: npm install ioredis")
  }
}
