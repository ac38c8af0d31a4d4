import { definePolicy, type Policy } from '../core/policy.js'
import type { Key } from '../core/ports/local-tier.js'
import { badInput } from './cli-error.js'

/** `units` or `units@2`: the policy by which entries of that name are found in Redis. It stores nothing. */
export function namedPolicy(text: string): Policy<Key> {
  const [, name, version = '1'] = /^([^@]+)(?:@(\d{1,9}))?$/.exec(text) ?? []
  if (name === undefined) throw badInput(`A policy is named as 'units', or 'units@2' for a version; got '${text}'.`)
  // The lease must outlive six of this program's patient commands; it is never taken.
  return definePolicy({ name, version: Number(version), ttl: '1s', coordinate: { leaseMs: 60_000 } }) as Policy<Key>
}

/** `units:key`, or `units#5` where the key is a number. */
export function namedEntry(text: string): { policy: string; key: Key } {
  const [, policy, sign, rest = ''] = /^([^:#]+)([:#])(.*)$/s.exec(text) ?? []
  if (policy === undefined)
    throw badInput(`An entry is named as 'units:key', or 'units#5' for a number; got '${text}'.`)
  return { policy, key: sign === '#' ? numericKey(rest) : rest }
}

export function numericKey(text: string): number {
  if (/^-?\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text)
  throw badInput(`A key that is a number must be a safe integer; got '${text.slice(0, 40)}'.`)
}
