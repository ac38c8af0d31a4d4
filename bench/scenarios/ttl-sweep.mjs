import { createCache, definePolicy } from 'freshtier'
import { fakeClock, seededRandom } from 'freshtier/testing'
import { seeded } from '../harness/zipf.mjs'

const TTLS_S = [15, 30, 60, 120, 300]
const ORGANISATIONS = 60
const QUESTIONS = ['unit-counts', 'open-alerts', 'compliance', 'devices-online', 'trend']
/** How often somebody looks at one panel of one organisation, and how often something behind it changes. */
const LOOK_EVERY_S = 20
const CHANGE_EVERY_S = 45
const HOURS = 1

/**
 * S2-16: an hour of dashboards, simulated on a clock that is moved: what each ttl saves, and how old what people see is,
 * if nothing is ever invalidated and if every change is.
 */
export const scenario = {
  name: 'ttl-sweep',
  question: 'what does a longer ttl save on dashboards, and how old is what people see?',
  figures: [
    { name: 'hits', title: 'hits %', digits: 1 },
    { name: 'fills', title: 'fills a minute', digits: 1 },
    { name: 'outdated', title: 'outdated %', digits: 1 },
    { name: 'lateS', title: 'P99 outdated for s', digits: 0 },
  ],
  ratios: [],

  cases: () =>
    ['ttl alone', 'every change invalidates'].flatMap((group, index) =>
      TTLS_S.map((ttlS) => ({ group, contender: `${ttlS} s`, spec: { ttlS, invalidates: index === 1 } })),
    ),

  async measure({ ttlS, invalidates }) {
    const clock = fakeClock()
    const cache = createCache({ clock, random: seededRandom(1) })
    const changedAt = new Map()
    const fill = async (key) => changedAt.get(key)?.version ?? 0
    const policy = definePolicy({ name: 'panel', ttl: `${ttlS}s`, fill })
    const random = seeded(7)
    const late = []
    let reads = 0
    for (let second = 0; second < HOURS * 3_600; second++) {
      await clock.advance(1_000)
      for (let org = 0; org < ORGANISATIONS; org++) {
        for (const question of QUESTIONS) {
          const key = `${org}:${question}`
          if (random() < 1 / CHANGE_EVERY_S) {
            const version = (changedAt.get(key)?.version ?? 0) + 1
            const since = changedAt.get(key)?.history ?? []
            changedAt.set(key, { version, history: [...since, second] })
            if (invalidates) await cache.delete(policy, key)
          }
          if (random() >= 1 / LOOK_EVERY_S) continue
          reads++
          const seen = await cache.getOrFill(policy, key)
          const { version = 0, history = [] } = changedAt.get(key) ?? {}
          // Outdated since the first change that it does not show.
          if (seen < version) late.push(second - history[seen])
        }
      }
    }
    const { fills } = cache.stats()
    await cache.close()
    late.sort((a, b) => a - b)
    return {
      hits: (1 - fills / reads) * 100,
      fills: fills / (HOURS * 60),
      outdated: (late.length / reads) * 100,
      lateS: late[Math.floor(late.length * 0.99)] ?? 0,
    }
  },
}
