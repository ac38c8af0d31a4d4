/** How an answer came to be, for the `Cache-Status` header. */
export type Provenance =
  /** From a tier, fresh or (with a negative life) kept for when the database fails. */
  | { readonly outcome: 'hit'; readonly tier: string; readonly ttlMs: number }
  | { readonly outcome: 'filled'; readonly stored: boolean; readonly ttlMs: number }
  /** Another request was fetching the same; this one waited for it. */
  | { readonly outcome: 'collapsed' }
  /** The database could not answer; an old answer was given. */
  | { readonly outcome: 'stale'; readonly tier: string; readonly ttlMs: number }
  /** The cache was not asked: it is off, or this question must not be answered from it. */
  | { readonly outcome: 'bypass'; readonly detail?: string }

/**
 * The value of a `Cache-Status` header (RFC 9211). Our cache is called `freshtier`; `fwd` says why the database had to be
 * asked, `ttl` is in whole seconds.
 */
export function formatCacheStatus(provenance: Provenance, key?: string): string {
  const parameters = parametersOf(provenance)
  if (key !== undefined) parameters.push(`key=${quote(key)}`)
  return ['freshtier', ...parameters].join('; ')
}

function parametersOf(provenance: Provenance): string[] {
  switch (provenance.outcome) {
    case 'hit':
      return ['hit', ttl(provenance.ttlMs), `detail=${token(provenance.tier)}`]
    case 'filled':
      return provenance.stored ? ['fwd=miss', 'stored', ttl(provenance.ttlMs)] : ['fwd=miss']
    case 'collapsed':
      return ['fwd=miss', 'collapsed']
    case 'stale':
      return ['fwd=stale', ttl(provenance.ttlMs), `detail=${token(provenance.tier)}`]
    case 'bypass':
      return provenance.detail === undefined ? ['fwd=bypass'] : ['fwd=bypass', `detail=${token(provenance.detail)}`]
    default:
      return provenance satisfies never
  }
}

function ttl(ms: number): string {
  return `ttl=${Math.floor(ms / 1_000)}`
}

/** A structured-field token (RFC 8941), or a string if it isn't one. */
function token(text: string): string {
  return /^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*$/.test(text) ? text : quote(text)
}

/** A structured-field string holds printable ASCII only. */
function quote(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/[\\"]/g, '\\$&')}"`
}
