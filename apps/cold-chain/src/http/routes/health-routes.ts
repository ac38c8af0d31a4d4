import type { FastifyInstance } from 'fastify'
import { checkHealth, type HealthOptions } from '../health.js'

/** `/health` for people and monitors, `/health/live` and `/health/ready` for what starts and stops processes. */
export function registerHealthRoutes(server: FastifyInstance, options: HealthOptions): void {
  server.get('/health', async (_, reply) => {
    const health = await checkHealth(options)
    return reply
      .code(health.status === 'unhealthy' ? 503 : 200)
      .header('cache-control', 'no-store')
      .send(health)
  })
  server.get('/health/live', () => ({ status: 'alive' }))
  server.get('/health/ready', async (_, reply) => {
    const { status } = await checkHealth(options)
    return reply
      .code(status === 'unhealthy' ? 503 : 200)
      .send({ status: status === 'unhealthy' ? 'not ready' : 'ready' })
  })
}
