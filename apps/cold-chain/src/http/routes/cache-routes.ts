import type { FastifyInstance } from 'fastify'
import type { CacheMonitor } from '../../cache/cache-monitor.js'
import { createSignedInGuard } from '../tenant-guard.js'
import type { TenantTokens } from '../tenant-token.js'

/** What the cache of this process does. Counts only: no key, no value, no organisation's id. */
export function registerCacheRoutes(
  server: FastifyInstance,
  { monitor, tokens }: { monitor: CacheMonitor; tokens: TenantTokens },
): void {
  server.get('/api/cache', { onRequest: createSignedInGuard(tokens) }, (_, reply) =>
    reply.header('cache-control', 'no-store').send(monitor.read()),
  )
}
