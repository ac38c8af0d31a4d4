import { checkTenant } from '../core/namespaces.js'
import { definePolicy, type Policy } from '../core/policy.js'
import type { Key } from '../core/ports/local-tier.js'
import { badInput } from './cli-error.js'
import type { CliCall } from './command.js'

export interface WantedEntry {
  /** As a service knows it. */
  readonly policy: string
  /** As it is found in Redis. */
  readonly stored: Policy<Key>
  readonly key: Key
  /** '' outside any tenant. */
  readonly tenant: string
}

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

/** Whose entry `--tenant` means; '' without it. An empty one is refused: it may be a variable that was never set. */
export function namedTenant(value: unknown): string {
  if (value === undefined) return ''
  if (value === '') throw badInput('--tenant must name a tenant; leave it out for what is outside any tenant.')
  return checkTenant(value)
}

/** One entry by its operands `<policy> <key>`, and `--tenant` and `--number`. */
export function wantedEntry({ operands, options }: CliCall): WantedEntry {
  const [policy = '', text = ''] = operands
  const key = options.number === true ? numericKey(text) : text
  return { policy, stored: namedPolicy(policy), key, tenant: namedTenant(options.tenant) }
}
