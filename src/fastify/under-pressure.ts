import type { FastifyInstance } from 'fastify'

/**
 * For `@fastify/under-pressure`: its `healthCheck`. A degraded cache is healthy, for the server goes on without it; a
 * closed one is not.
 *
 * ```ts
 * await app.register(underPressure, { healthCheck: cacheUnderPressure(), exposeStatusRoute: true })
 * ```
 */
export function cacheUnderPressure(
  options: { deadlineMs?: number } = {},
): (app: FastifyInstance) => Promise<false | { cache: string }> {
  return async (app) => {
    const { status } = await app.cacheHealth(options)
    return status === 'fail' ? false : { cache: status }
  }
}
