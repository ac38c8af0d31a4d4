import { createHmac, timingSafeEqual } from 'node:crypto'

const LIFE_MS = 12 * 3_600_000
const MAX_REMEMBERED = 10_000

interface Claims {
  readonly organisationId: string
  readonly expiresAt: number
}

/**
 * Proof that its bearer may see one organisation: `<payload>.<signature>`, both base64url. The demo gives one to whoever
 * picks an organisation; a real login would stand before `issue`, and nothing else would change.
 */
export class TenantTokens {
  readonly #secret: string
  /** Whose signature held, so that it is computed once and not with each request. The oldest goes when it is full. */
  readonly #verified = new Map<string, Claims>()

  constructor(secret: string) {
    this.#secret = secret
  }

  /** How many tokens are remembered. */
  get remembered(): number {
    return this.#verified.size
  }

  issue(organisationId: string, now = Date.now()): { token: string; expiresAt: Date } {
    const expiresAt = now + LIFE_MS
    const payload = Buffer.from(JSON.stringify({ organisationId, expiresAt })).toString('base64url')
    return { token: `${payload}.${this.#sign(payload)}`, expiresAt: new Date(expiresAt) }
  }

  /** The organisation of a valid token, else nothing. A token that was remembered ends when it says, like any other. */
  verify(token: unknown, now = Date.now()): string | undefined {
    if (typeof token !== 'string' || token.length > 1_000) return undefined
    const claims = this.#verified.get(token) ?? this.#checkSignature(token)
    if (claims === undefined) return undefined
    if (claims.expiresAt > now) return claims.organisationId
    this.#verified.delete(token)
    return undefined
  }

  #checkSignature(token: string): Claims | undefined {
    const [payload, signature, ...rest] = token.split('.')
    if (!payload || !signature || rest.length > 0) return undefined
    const expected = Buffer.from(this.#sign(payload))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
    // The signature is ours, so the payload is too.
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims
    if (this.#verified.size >= MAX_REMEMBERED) this.#verified.delete(this.#verified.keys().next().value!)
    this.#verified.set(token, claims)
    return claims
  }

  #sign(payload: string): string {
    return createHmac('sha256', this.#secret).update(payload).digest('base64url')
  }
}
