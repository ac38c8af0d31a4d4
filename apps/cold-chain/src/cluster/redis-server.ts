import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort, TemporaryServer } from './temporary-server.js'

/** A redis-server of the demo's own: empty, on a free port of 127.0.0.1, with a password that nobody else knows. */
export async function startRedisServer(created: (server: TemporaryServer) => void): Promise<string> {
  const server = await TemporaryServer.create({ name: 'redis' })
  created(server)
  const [port, password] = [await freePort(), randomBytes(16).toString('hex')]
  const file = join(server.folder, 'redis.conf')
  // A file, because everybody can read the arguments of a process. BullMQ needs `noeviction`.
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    'save ""',
    'appendonly no',
    'maxmemory-policy noeviction',
    `dir ${server.folder}`,
  ]
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  const url = `redis://:${password}@127.0.0.1:${port}`
  await server.start('redis-server', [file], () => answers(url))
  return url
}

async function answers(url: string): Promise<boolean> {
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, disconnectTimeout: 0 })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.ping()) === 'PONG'
  } catch {
    return false
  } finally {
    if (client.status !== 'end') client.disconnect()
  }
}
