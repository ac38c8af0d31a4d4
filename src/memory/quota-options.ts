import { InvalidOptionError } from '../core/errors.js'
import { checkTenant } from '../core/namespaces.js'
import { checkFields } from '../core/options.js'
import { parseBytes, parseCount, type Size } from '../core/quantity.js'

/** What one tenant may keep when others need room. Where several are given, all hold. */
export interface TenantQuota {
  /** Share of the tier's room, above 0, at most 1. */
  share?: number
  /** Only where `maxBytes` bounds the tier. */
  maxBytes?: Size
  maxEntries?: number
}

export interface QuotaOptions extends TenantQuota {
  /** Quotas of single tenants by id, in place of the general one. At most 10,000. */
  tenants?: Readonly<Record<string, TenantQuota>>
}

/** A quota as it holds; Infinity where there is no limit. */
export interface Quota {
  readonly share: number
  readonly maxBytes: number
  readonly maxEntries: number
}

export interface QuotaRules {
  of(tenant: string): Quota
}

const FIELDS = ['share', 'maxBytes', 'maxEntries'] as const
const MAX_TENANTS = 10_000
const UNLIMITED: Quota = Object.freeze({ share: Infinity, maxBytes: Infinity, maxEntries: Infinity })

export function checkQuotas(
  value: unknown,
  bounds: { maxEntries: number; maxBytes: number },
  field: string,
): QuotaRules | undefined {
  if (value === undefined) return undefined
  const { tenants, ...general } = checkFields(value, [...FIELDS, 'tenants'], field)
  const single = tenants === undefined ? {} : checkFields(tenants, Object.keys(tenants ?? {}), `${field}.tenants`)
  const ids = Object.keys(single)
  if (ids.length > MAX_TENANTS) {
    throw new InvalidOptionError({
      field: `${field}.tenants`,
      value: ids.length,
      rule: `must name at most ${MAX_TENANTS}`,
    })
  }
  const isGeneral = Object.keys(general).length > 0
  const usual = isGeneral || ids.length === 0 ? checkQuota(general, bounds, field) : UNLIMITED
  const byTenant = new Map(
    ids.map((id) => [checkTenant(id), checkQuota(single[id], bounds, `${field}.tenants['${id}']`)]),
  )
  return Object.freeze({
    of: (tenant: string) => (tenant === '' ? UNLIMITED : (byTenant.get(tenant) ?? usual)),
  })
}

function checkQuota(value: unknown, bounds: { maxEntries: number; maxBytes: number }, field: string): Quota {
  const given = checkFields(value, FIELDS, field)
  if (FIELDS.every((name) => given[name] === undefined)) {
    throw new InvalidOptionError({ field, value, rule: 'must say share, maxBytes or maxEntries' })
  }
  const maxEntries = given.maxEntries === undefined ? Infinity : parseCount(given.maxEntries, `${field}.maxEntries`)
  const maxBytes = given.maxBytes === undefined ? Infinity : parseBytes(given.maxBytes, `${field}.maxBytes`)
  if (maxEntries !== Infinity && maxEntries > bounds.maxEntries) {
    throw tooLarge(`${field}.maxEntries`, given.maxEntries, `maxEntries (${bounds.maxEntries})`)
  }
  if (maxBytes !== Infinity && bounds.maxBytes === Infinity) {
    throw new InvalidOptionError({
      field: `${field}.maxBytes`,
      value: given.maxBytes,
      rule: 'needs memoryTier.maxBytes: sizes are only kept where they are bounded',
    })
  }
  if (maxBytes !== Infinity && maxBytes > bounds.maxBytes) {
    throw tooLarge(`${field}.maxBytes`, given.maxBytes, `maxBytes (${bounds.maxBytes})`)
  }
  return Object.freeze({ share: checkShare(given.share, `${field}.share`), maxBytes, maxEntries })
}

function checkShare(value: unknown, field: string): number {
  if (value === undefined) return Infinity
  if (typeof value === 'number' && value > 0 && value <= 1) return value
  throw new InvalidOptionError({ field, value, rule: 'must be a number above 0 and at most 1' })
}

function tooLarge(field: string, value: unknown, bound: string): InvalidOptionError {
  return new InvalidOptionError({ field, value, rule: `must be at most the tier's own ${bound}` })
}
