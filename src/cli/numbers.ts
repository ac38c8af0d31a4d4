import { badInput } from './cli-error.js'

/** A whole number of an option, within bounds. */
export function wholeNumber(value: unknown, option: string, [least, most]: readonly [number, number]): number {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN
  if (number >= least && number <= most) return number
  throw badInput(`${option} must be a whole number from ${least} to ${most}; got '${String(value).slice(0, 40)}'.`)
}
