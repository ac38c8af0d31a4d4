import type { FastifyRequest } from 'fastify'
import type { Cache } from '../core/create-cache.js'
import { CacheError } from '../core/errors.js'
import type { Scope } from '../core/scope.js'

/** Says whose request this is. */
export type TenantOf = (request: FastifyRequest) => string | undefined

/**
 * The cache of a request's tenant. Never falls back to the cache outside any tenant: whose request it is must be
 * known. The errors have the status that Fastify answers with.
 */
export function scopeOf(request: FastifyRequest, cache: Cache, tenantOf: TenantOf | undefined): Scope {
  if (tenantOf === undefined) {
    throw missing(
      500,
      "request.cache needs the plugin's `tenant` option, which says whose request it is; app.cache doesn't.",
    )
  }
  const tenant = tenantOf(request)
  if (tenant === undefined || tenant === null || tenant === '') {
    throw missing(403, 'This request belongs to no tenant, so it has no cache.')
  }
  try {
    return cache.tenant(tenant)
  } catch (error) {
    if (CacheError.is(error) && error.code === 'INVALID_TENANT') throw Object.assign(error, { statusCode: 400 })
    throw error
  }
}

function missing(statusCode: number, message: string): CacheError {
  return Object.assign(new CacheError('TENANT_MISSING', message), { statusCode })
}
