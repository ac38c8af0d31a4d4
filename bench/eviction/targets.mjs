import { target } from '../harness/targets.mjs'
import { BY_BYTES, DEFAULT, FLOOR, WITHOUT_TTL } from './contenders.mjs'

/** Bytes that the targets allow an entry for its ttl and for its size. Every entry of freshtier has a ttl. */
const TTL_BYTES = 8
const SIZE_BYTES = 4

/** What the memory tier has to reach, from what this run measured: medians, and medians of ratios within a round. */
export function targets({ groups }) {
  const find = (group, contender) =>
    groups.find(({ name }) => name.startsWith(group))?.rows.find((row) => row.contender === contender)
  const replayed = (keys) =>
    groups
      .find(({ name }) => name.startsWith('replay') && name.endsWith(keys))
      ?.rows.find(({ contender }) => contender === DEFAULT)?.ratios[FLOOR]?.median
  const bytes = (contender, name, atMost) =>
    target(`bytes an entry after churn, ${name}`, find('bytes', contender)?.figures.churned.median, {
      atMost,
      digits: 1,
    })
  const withoutTtl = (keys) => find(`get, ${keys}`, DEFAULT)?.ratios[WITHOUT_TTL]?.median
  return [
    target(`replay with strings, default × ${FLOOR}`, replayed('strings'), { atLeast: 1 }),
    target(`replay with integers, default × ${FLOOR}`, replayed('integers'), { atLeast: 1.3 }),
    bytes(DEFAULT, 'default with ttl', 56 + TTL_BYTES),
    bytes(BY_BYTES, 'default with ttl and sizes', 56 + TTL_BYTES + SIZE_BYTES),
    ...['lru', 'fifo', 'sieve'].map((name) => bytes(`freshtier ${name}`, `${name} with ttl`, 40 + TTL_BYTES)),
    target('longest set, default, ms', find('longest set', DEFAULT)?.figures.steady.median, { atMost: 10 }),
    ...['reused strings', 'built strings', 'integers'].map((keys) =>
      target(`get with ttl × without, ${keys}`, withoutTtl(keys), { atLeast: 0.9 }),
    ),
  ]
}
