/** Says in words what a `Cache-Status` header (RFC 9211) says: `HIT memory 42 s`, `MISS database`. */
export function readCacheStatus(header) {
  if (!header) return ''
  const parameters = new Map(
    header
      .split(';')
      .slice(1)
      .map((part) => part.trim().split('='))
      .map(([name, value]) => [name, value]),
  )
  const ttl = parameters.has('ttl') ? ` ${parameters.get('ttl')} s` : ''
  if (parameters.has('hit')) return `HIT ${parameters.get('detail')}${ttl}`
  if (parameters.has('collapsed')) return 'MISS · joined another'
  const forward = parameters.get('fwd')
  if (forward === 'stale') return `STALE ${parameters.get('detail')}${ttl}`
  if (forward === 'bypass') return 'database · no cache'
  return `MISS database`
}
