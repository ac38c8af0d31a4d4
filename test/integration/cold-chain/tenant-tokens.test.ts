import { describe, expect, it } from 'vitest'
import { TenantTokens } from '../../../apps/cold-chain/src/http/tenant-token.ts'

const HOUR_MS = 3_600_000

describe('S3-7: tokens that are remembered', () => {
  it('a remembered token ends when it says', () => {
    const tokens = new TenantTokens('a secret')
    const { token, expiresAt } = tokens.issue('org-1', 0)
    const end = expiresAt.getTime()
    expect([tokens.verify(token, HOUR_MS), tokens.verify(token, end - 1)]).toEqual(['org-1', 'org-1'])
    expect([tokens.verify(token, end), tokens.verify(token, end + 1)]).toEqual([undefined, undefined])
  })

  it('what a remembered token lets in is its own organisation; a changed one is refused', () => {
    const tokens = new TenantTokens('a secret')
    const a = tokens.issue('org-1', 0).token
    const b = tokens.issue('org-2', 0).token
    expect([tokens.verify(a, 1), tokens.verify(b, 1)]).toEqual(['org-1', 'org-2'])
    const [payload] = b.split('.')
    const [, signature] = a.split('.')
    for (const forged of [`${payload}.${signature}`, `${a}.`, `${a}x`, `${b}.${signature}`, a.slice(0, -1), ` ${a}`])
      expect([forged, tokens.verify(forged, 1)]).toEqual([forged, undefined])
    expect([tokens.verify(a, 1), tokens.verify(b, 1)]).toEqual(['org-1', 'org-2'])
  })

  it('a refused token is not remembered, and one that was pushed out is checked again', () => {
    const tokens = new TenantTokens('a secret')
    const stranger = new TenantTokens('another secret').issue('org-1', 0).token
    expect([tokens.verify(stranger, 1), tokens.verify(stranger, 1)]).toEqual([undefined, undefined])
    const first = tokens.issue('org-first', 0).token
    expect(tokens.verify(first, 1)).toBe('org-first')
    for (let index = 0; index < 10_001; index += 1) tokens.verify(tokens.issue(`org-${index}`, 0).token, 1)
    expect(tokens.remembered).toBe(10_000)
    expect(tokens.verify(first, 1)).toBe('org-first')
  })
})
