import { seededRandom } from './seeded-random.mjs'

const HELD = 1
const ENTRY = { value: HELD, freshUntilMs: 1e12, staleMs: 0, storedAtMs: 0, seen: 0 }
const SPACE = { id: 1, namespace: { sequence: 0, standing: () => 'current' } }

const clock = {
  now: () => 0,
  coarseNow: () => 0,
  wallNow: () => 0,
  setTimer: () => () => {},
  setHousekeepingTimer: () => () => {},
}

/** Hits of a cold tier over a whole trace: get, else set. */
export function replayHits(definition, keys, seed) {
  const tier = definition.open({ cacheName: 'hit-ratio', clock, random: seededRandom(seed), onRemoved: () => {} })
  let hits = 0
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at]
    if (tier.getFresh(SPACE, key, 0) === HELD) hits++
    else tier.set(SPACE, key, ENTRY)
  }
  tier.close()
  return hits
}
