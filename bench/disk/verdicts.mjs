import { target } from '../harness/targets.mjs'
import { canResolve } from './stores.mjs'

/** Medians of a report, by group, contender and figure; undefined for what did not run. */
export function mediansOf({ groups }) {
  return (group, contender, figure) =>
    groups.find(({ name }) => name === group)?.rows.find((row) => row.contender === contender)?.figures[figure]?.median
}

/** How many times `a` is `b`. */
export const times = (a, b) => (a === undefined || b === undefined ? undefined : a / b)

/** The report with its targets, and with a word about the rival that has to be compiled. */
export const withTargets = (rows) => (outcome) => ({
  ...outcome,
  targets: [
    ...rows(mediansOf(outcome)),
    ...(canResolve('better-sqlite3')
      ? []
      : [target('better-sqlite3 is not installed: npm install --no-save better-sqlite3', undefined, { atMost: 0 })]),
  ],
})
