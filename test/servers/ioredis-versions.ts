import { Redis as Redis6, type RedisOptions } from 'ioredis'
import type { RedisClient } from '../../src/redis/index.js'

/** What tests need of a client besides what the tier calls. */
export interface TestClient extends RedisClient {
  on(event: 'error', listener: () => void): unknown
  ping(): Promise<string>
  listenerCount(event: string): number
  disconnect(): void
}

type ClientClass = new (options: RedisOptions) => TestClient

/** Every version of ioredis that the tier supports. */
export const IOREDIS: Readonly<Record<string, (port: number) => TestClient>> = Object.fromEntries(
  [['ioredis 5', await ioredis5()] as const, ['ioredis 6', Redis6] as const].flatMap(([name, Client]) =>
    Client ? [[name, (port: number) => connect(Client, port)]] : [],
  ),
)

/** `disconnectTimeout`: ioredis keeps a timer for two seconds behind each `disconnect`. */
function connect(Client: ClientClass, port: number): TestClient {
  return new Client({ host: '127.0.0.1', port, disconnectTimeout: 0 })
}

/** The alias `ioredis5` of `npm:ioredis@5`; undefined until package.json lists it. */
async function ioredis5(): Promise<ClientClass | undefined> {
  const alias = 'ioredis5'
  try {
    return ((await import(alias)) as { Redis: ClientClass }).Redis
  } catch {
    return undefined
  }
}
