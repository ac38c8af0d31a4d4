import { until } from '../kit/until.ts'
import { type RedisServer, startRedisServer } from './redis-server.ts'

const NAME = 'primary'
const SENTINELS = 3

/** A primary, a replica and three real sentinels that watch them, on free ports of 127.0.0.1. */
export interface SentinelGroup {
  readonly name: string
  readonly primary: RedisServer
  readonly replica: RedisServer
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  /** Port of the server that the sentinels call the primary now. */
  primaryPort(): Promise<number>
  stop(): Promise<void>
}

export async function startSentinelGroup(): Promise<SentinelGroup> {
  const primary = await startRedisServer()
  const replica = await startRedisServer({ args: ['--replicaof', '127.0.0.1', String(primary.port)] })
  await until(async () => /master_link_status:up/.test(await replica.client().info('replication')), {
    what: 'the replica',
    withinMs: 60_000,
  })
  const config = [
    `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 2`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 2000`,
    '',
  ].join('\n')
  const servers = await Promise.all(
    Array.from({ length: SENTINELS }, () => startRedisServer({ config, args: ['--sentinel'] })),
  )
  const watchers = servers.map((server) => server.client())
  const knows = async (): Promise<boolean> => {
    const infos = await Promise.all(watchers.map((watcher) => watcher.call('INFO', 'sentinel')))
    return infos.every((info) => new RegExp(`slaves=1,sentinels=${SENTINELS}`).test(String(info)))
  }
  await until(knows, { what: 'three sentinels that know each other', withinMs: 60_000 })
  return {
    name: NAME,
    primary,
    replica,
    sentinels: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    async primaryPort() {
      const answer = await watchers[0]!.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)
      return Number((answer as string[])[1])
    },
    async stop() {
      await Promise.all([...servers, replica, primary].map((server) => server.stop()))
    },
  }
}
