import { describe, expect, it } from 'vitest'
import { formatCacheStatus, type Provenance } from '../../../apps/cold-chain/src/dashboard/cache-status.ts'

describe('Cache-Status (RFC 9211)', () => {
  it.each<[string, Provenance, string]>([
    [
      'a fresh hit tells its tier and its life in whole seconds',
      { outcome: 'hit', tier: 'memory', ttlMs: 42_900 },
      'freshtier; hit; ttl=42; detail=memory',
    ],
    ['a fill that was kept', { outcome: 'filled', stored: true, ttlMs: 60_000 }, 'freshtier; fwd=miss; stored; ttl=60'],
    ['a fill that was not kept', { outcome: 'filled', stored: false, ttlMs: 60_000 }, 'freshtier; fwd=miss'],
    ['a request that waited for another one', { outcome: 'collapsed' }, 'freshtier; fwd=miss; collapsed'],
    [
      'an old answer because the database failed: negative life',
      { outcome: 'stale', tier: 'memory', ttlMs: -1_500 },
      'freshtier; fwd=stale; ttl=-2; detail=memory',
    ],
    [
      'a question that must not be answered from a cache',
      { outcome: 'bypass', detail: 'audit' },
      'freshtier; fwd=bypass; detail=audit',
    ],
    [
      'what is not a token becomes a string',
      { outcome: 'bypass', detail: 'cache off' },
      'freshtier; fwd=bypass; detail="cache off"',
    ],
  ])('%s', (_, provenance, header) => {
    expect(formatCacheStatus(provenance)).toBe(header)
  })

  it('writes the key as a structured string, whatever it holds', () => {
    const bypass = { outcome: 'bypass' } as const
    expect(formatCacheStatus(bypass, 'unit-trend:7')).toBe('freshtier; fwd=bypass; key="unit-trend:7"')
    expect(formatCacheStatus(bypass, 'a"b\\c')).toBe('freshtier; fwd=bypass; key="a\\"b\\\\c"')
    expect(formatCacheStatus(bypass, 'kühl\n')).toBe('freshtier; fwd=bypass; key="k?hl?"')
  })
})
