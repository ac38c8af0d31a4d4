import { badInput } from './cli-error.js'
import type { CliCall } from './command.js'
import { connectRedis, type RedisAccess } from './redis-access.js'
import { openService, type Service } from './service.js'

/** Where a command works: at a running service, or directly on the Redis of a cache. */
export type Connection =
  | { readonly kind: 'service'; readonly service: Service }
  | { readonly kind: 'redis'; readonly redis: RedisAccess }

/** Opens what the options or the environment name, runs `work`, and closes it whatever happens. */
export async function connected<T>(call: CliCall, work: (connection: Connection) => Promise<T>): Promise<T> {
  const { options, io } = call
  const url = text(options.url)
  const redisUrl = text(options.redis)
  if (url !== undefined && redisUrl !== undefined) throw badInput('Name either --url or --redis, not both.')
  if (url !== undefined) {
    const token = text(options.token) ?? io.env.FRESHTIER_TOKEN
    return work({ kind: 'service', service: openService(url, token, io.signal) })
  }
  const address = redisUrl ?? io.env.REDIS_URL
  if (address === undefined || address === '') {
    throw badInput('Say where: --url <a running service>, --redis <url>, or REDIS_URL in the environment.')
  }
  const redis = await connectRedis(address, { name: text(options.name)!, prefix: text(options.prefix) ?? '' })
  try {
    return await work({ kind: 'redis', redis })
  } finally {
    await redis.close()
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
