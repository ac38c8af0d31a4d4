import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { HttpError } from './http-error.js'
import type { TenantTokens } from './tenant-token.js'

/**
 * Runs before anything else of a route below /api/organisations/:organisationId: whoever asks must show that
 * organisation's token. A refused request reaches neither cache nor database.
 */
export function createTenantGuard(tokens: TenantTokens) {
  return (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    const { organisationId } = request.params as { organisationId?: string }
    const owner = readOwner(tokens, request)
    if (owner !== organisationId) throw new HttpError(403, 'FORBIDDEN', 'This token belongs to another organisation.')
    done()
  }
}

/** For what belongs to no organisation but is not for everybody either. */
export function createSignedInGuard(tokens: TenantTokens) {
  return (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    readOwner(tokens, request)
    done()
  }
}

function readOwner(tokens: TenantTokens, request: FastifyRequest): string {
  const owner = tokens.verify(/^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1])
  if (owner === undefined)
    throw new HttpError(401, 'UNAUTHORISED', 'Send a valid token: authorization: Bearer <token>.')
  return owner
}
