import { inspect } from 'node:util'
import { encodeValue, NotPlainData } from '../../core/codec.js'
import type { Cache } from '../../core/create-cache.js'
import { doctor } from '../../core/doctor.js'
import { errorText } from '../../core/error-text.js'
import { InvalidOptionError } from '../../core/errors.js'
import { checkFields, checkPairs } from '../../core/options.js'
import type { Policy } from '../../core/policy.js'
import type { Key } from '../../core/ports/local-tier.js'
import type { Scope } from '../../core/scope.js'

/** Entries that one call may name. */
const MAX_ENTRIES = 1_000
const ENTRY_FIELDS = ['cache', 'tenant', 'policy', 'key', 'number', 'value']

/** Names tags and entries: `{ cache?, tenant?, tags?, entries?: [[policy, key]], soft? }`. */
export async function invalidate(caches: readonly Cache[], body: unknown): Promise<object> {
  const fields = checkFields(body, ['cache', 'tenant', 'tags', 'entries', 'soft'], 'invalidate')
  const { cache, scope, about } = find(caches, fields)
  const pairs = fields.entries === undefined ? [] : checkPairs<string, Key>(fields.entries, 'invalidate.entries')
  if (pairs.length > MAX_ENTRIES) {
    throw new InvalidOptionError({
      field: 'invalidate.entries',
      value: pairs.length,
      rule: `must be at most ${MAX_ENTRIES}; use tags for more`,
    })
  }
  const entries = pairs.map(([policy, key]) => [policyOf(cache, policy), key] as const)
  const tags = fields.tags as string[] | undefined
  const soft = fields.soft as boolean | undefined
  const receipt = await scope.invalidate({
    ...(tags === undefined ? {} : { tags }),
    ...(entries.length === 0 ? {} : { entries }),
    ...(soft === undefined ? {} : { soft }),
  })
  return { done: 'invalidated', ...about, tags: tags ?? [], entries: entries.length, soft: soft === true, receipt }
}

/** Everything of one tenant: `{ cache?, tenant }`. `''` means what belongs to no tenant, and must be said. */
export async function clearTenant(caches: readonly Cache[], body: unknown): Promise<object> {
  const fields = checkFields(body, ['cache', 'tenant'], 'clear')
  if (typeof fields.tenant !== 'string') {
    throw new InvalidOptionError({ field: 'clear.tenant', value: fields.tenant, rule: "must name a tenant, or be ''" })
  }
  const { scope, about } = find(caches, fields)
  return { done: 'cleared', ...about, receipt: await scope.clear() }
}

/** What is held of one key: `?policy=&key=` or `&number=`, `&tenant=`, `&cache=`; the value with `&value=1`. */
export async function readEntry(caches: readonly Cache[], query: URLSearchParams): Promise<object> {
  const { scope, about, policy, key } = findEntry(caches, query)
  const found = await scope.getEntry(policy, key)
  if (found.state === 'failed') {
    return { ...about, policy: policy.name, key, state: 'failed', error: errorText(found.error) }
  }
  const { value, ...details } = found
  const isShown = query.get('value') === '1' && found.state !== 'missing'
  return { ...about, policy: policy.name, key, ...details, ...(isShown ? { value: shownValue(value) } : {}) }
}

/** What the doctor says of each cache's servers. */
export async function examine(caches: readonly Cache[]): Promise<object> {
  const reports = caches.map(async (cache) => ({ cache: cache.stats().name, ...(await doctor(cache)) }))
  return { caches: await Promise.all(reports) }
}

/** Where one key is, and what a read of it would come to; named as for `readEntry`. */
export async function explainEntry(caches: readonly Cache[], query: URLSearchParams): Promise<object> {
  const { scope, about, policy, key } = findEntry(caches, query)
  return { cache: about.cache, ...(await scope.explain(policy, key)) }
}

/** As `redis-cli` would show it; what is no plain data as Node shows it. */
function shownValue(value: unknown): unknown {
  const encoded = encodeValue(value)
  if (encoded instanceof NotPlainData) return inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 1_000 })
  return JSON.parse(encoded.text)
}

function findEntry(
  caches: readonly Cache[],
  query: URLSearchParams,
): { scope: Scope; about: { cache: string; tenant: string }; policy: Policy<Key>; key: Key } {
  const named = checkFields(Object.fromEntries(query), ENTRY_FIELDS, 'query') as Partial<Record<string, string>>
  const { cache, scope, about } = find(caches, { cache: named.cache, tenant: named.tenant })
  const key = (named.number === undefined ? named.key : wholeNumber(named.number)) as Key
  return { scope, about, policy: policyOf(cache, named.policy), key }
}

function wholeNumber(text: string): number {
  if (/^-?\d{1,16}$/.test(text)) return Number(text)
  throw new InvalidOptionError({ field: 'query.number', value: text, rule: 'must be a whole number' })
}

/** The cache that is meant, and the scope of the tenant. */
export function find(
  caches: readonly Cache[],
  { cache: name, tenant }: { cache?: unknown; tenant?: unknown },
): { cache: Cache; scope: Scope; about: { cache: string; tenant: string } } {
  const names = caches.map((cache) => cache.stats().name)
  const index = name === undefined && caches.length === 1 ? 0 : names.indexOf(name as string)
  const cache = caches[index]
  if (cache === undefined) {
    throw new InvalidOptionError({ field: 'cache', value: name, rule: `must be one of ${names.join(', ')}` })
  }
  const scope = tenant === undefined || tenant === '' ? cache : cache.tenant(tenant as string)
  return { cache, scope, about: { cache: names[index]!, tenant: scope.tenantId } }
}

/** The newest version of a name; another one is asked for as `name@version`. */
function policyOf(cache: Cache, wanted: unknown): Policy<Key> {
  const policies = cache.policies()
  const matching = policies.filter(({ name, version }) => wanted === name || wanted === `${name}@${version}`)
  const [newest] = matching.sort((a, b) => b.version - a.version)
  if (newest) return newest
  const known = [...new Set(policies.map(({ name }) => name))]
  throw new InvalidOptionError({
    field: 'policy',
    value: wanted,
    rule: known.length === 0 ? 'is not known: this cache has met none yet' : `must be one of ${known.join(', ')}`,
  })
}
