import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openConnection } from '../../../src/redis/open-connection.js'
import { CLUSTER, SINGLE } from '../../servers/clients.ts'
import { type RedisCluster, startRedisCluster } from '../../servers/redis-cluster.ts'
import { type RedisServer, startRedisServer } from '../../servers/redis-server.ts'

let server: RedisServer
let cluster: RedisCluster
beforeAll(async () => {
  ;[server, cluster] = await Promise.all([startRedisServer(), startRedisCluster()])
})
afterAll(() => Promise.all([server.stop(), cluster.stop()]))

/** What a server says while this process waits and does nothing else. */
function ask(port: number, ...command: string[]): string {
  return execFileSync('redis-cli', ['-p', String(port), ...command], { encoding: 'utf8' }).trim()
}

for (const [version, connect] of Object.entries(SINGLE)) {
  test(`${version} has written what was sent once it says so`, async () => {
    const { client, close } = await connect(server.port)
    const connection = openConnection(client)
    await connection.send(['SET', version, 'before'])
    const sent = connection.send(['SET', version, 'after'])
    const seen = await new Promise((resolve) =>
      connection.onceWritten!(() => resolve(ask(server.port, 'GET', version))),
    )
    expect(seen).toBe('after')
    await sent
    await close()
  })
}

for (const [version, connect] of Object.entries(CLUSTER)) {
  test(`${version} Cluster has written what was sent once it says so`, async () => {
    const { client, close } = await connect(cluster)
    const connection = openConnection(client)
    const nodes = connection.nodes!
    const name = nodes.names()[0]!
    const command = (...words: string[]): string => ask(Number(name.split(':').at(-1)), ...words)
    await nodes.sendTo(name, ['CONFIG', 'RESETSTAT'])
    const sent = nodes.sendTo(name, ['ECHO', version])
    const seen = await new Promise((resolve) => connection.onceWritten!(() => resolve(command('INFO', 'commandstats'))))
    expect(seen).toContain('cmdstat_echo:calls=1,')
    await sent
    await close()
  })
}
