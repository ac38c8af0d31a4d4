import { memoryTier } from 'freshtier'
import { seededRandom } from './seeded-random.mjs'

const CLOCK = {
  now: () => 0,
  coarseNow: () => 0,
  wallNow: () => 0,
  setTimer: () => () => {},
  setHousekeepingTimer: () => () => {},
}
const SPACE = { id: 1, namespace: { sequence: 0, standing: () => 'current' } }

/** A memory tier of its own, as a cache opens it, with time that stands still. */
export function openTier(options, seed = 1) {
  const tier = memoryTier(options).open({
    cacheName: 'bench',
    clock: CLOCK,
    random: seededRandom(seed),
    onRemoved: () => {},
  })
  return { tier, space: SPACE, missing: tier.getFresh(SPACE, '', 0) }
}
