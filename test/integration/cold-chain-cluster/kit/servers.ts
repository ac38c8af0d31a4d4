import { type RedisServer, startRedisServer } from '../../../servers/redis-server.ts'
import { beginPostgres, freshSchema } from '../../cold-chain/kit/databases.ts'
import { Instance } from './instance.ts'

export interface Servers {
  readonly redis: RedisServer
  /** Starts instances with these names, one after the other; `end` ends those that are left. */
  start(names: readonly string[], environment?: Record<string, string>): Promise<Instance[]>
  end(): Promise<void>
}

/** A real Redis, a real PostgreSQL, and processes of the app that share them. Small, and nothing is simulated. */
export async function startServers(): Promise<Servers> {
  const redis = await startRedisServer()
  const postgres = await beginPostgres()
  const shared = {
    PORT: '0',
    ORGS: '1',
    SITES_PER_ORG: '2',
    UNITS_PER_ORG: '8',
    SIMULATOR: 'off',
    OFFLINE_AFTER_SECONDS: '86400',
    SESSION_SECRET: 'a secret for the tests',
    LOG_LEVEL: 'error',
    REDIS_URL: redis.url,
    DATABASE_URL: postgres.url,
    DATABASE_SCHEMA: freshSchema(),
  }
  const running: Instance[] = []
  return {
    redis,
    async start(names, environment = {}) {
      const started: Instance[] = []
      for (const INSTANCE of names) started.push(await Instance.start({ ...shared, ...environment, INSTANCE }))
      running.push(...started)
      return started
    },
    async end() {
      await Promise.all(running.map((instance) => instance.end()))
      await postgres.end()
      await redis.stop()
    },
  }
}
