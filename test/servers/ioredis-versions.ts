import { Redis as Redis6, type RedisOptions } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import type { IoredisClient } from '../../src/redis/index.js'

/** What tests need of a client besides what the tier calls. */
export interface TestClient extends IoredisClient {
  on(event: 'error', listener: () => void): unknown
  ping(): Promise<string>
  listenerCount(event: string): number
  disconnect(): void
}

type ClientClass = new (options: RedisOptions) => TestClient

/** Every version of ioredis that the tier supports. */
export const IOREDIS: Readonly<Record<string, (port: number) => TestClient>> = {
  'ioredis 5': (port) => connect(Redis5 as ClientClass, port),
  'ioredis 6': (port) => connect(Redis6, port),
}

/** `disconnectTimeout`: ioredis keeps a timer for two seconds behind each `disconnect`. */
function connect(Client: ClientClass, port: number): TestClient {
  return new Client({ host: '127.0.0.1', port, disconnectTimeout: 0 })
}
