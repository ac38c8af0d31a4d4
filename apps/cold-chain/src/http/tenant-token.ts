import { createHmac, timingSafeEqual } from 'node:crypto'

const LIFE_MS = 12 * 3_600_000

/**
 * Proof that its bearer may see one organisation: `<payload>.<signature>`, both base64url. The demo gives one to whoever
 * picks an organisation; a real login would stand before `issue`, and nothing else would change.
 */
export class TenantTokens {
  readonly #secret: string

  constructor(secret: string) {
    this.#secret = secret
  }

  issue(organisationId: string, now = Date.now()): { token: string; expiresAt: Date } {
    const expiresAt = now + LIFE_MS
    const payload = Buffer.from(JSON.stringify({ organisationId, expiresAt })).toString('base64url')
    return { token: `${payload}.${this.#sign(payload)}`, expiresAt: new Date(expiresAt) }
  }

  /** The organisation of a valid token, else nothing. */
  verify(token: unknown, now = Date.now()): string | undefined {
    if (typeof token !== 'string' || token.length > 1_000) return undefined
    const [payload, signature, ...rest] = token.split('.')
    if (!payload || !signature || rest.length > 0) return undefined
    const expected = Buffer.from(this.#sign(payload))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    // The signature is ours, so the payload is too.
    const { organisationId, expiresAt } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
      organisationId: string
      expiresAt: number
    }
    return expiresAt > now ? organisationId : undefined
  }

  #sign(payload: string): string {
    return createHmac('sha256', this.#secret).update(payload).digest('base64url')
  }
}
