import { bytes } from '../eviction/bytes.mjs'
import { get } from '../eviction/get.mjs'
import { mixed } from '../eviction/mixed.mjs'
import { replay } from '../eviction/replay.mjs'
import { stalls } from '../eviction/stalls.mjs'
import { targets } from '../eviction/targets.mjs'

const QUESTIONS = [get, mixed, replay, bytes, stalls]

/** The memory tier by itself, behind its own door, next to other caches: five questions, each with figures of its own. */
export const scenario = {
  name: 'eviction',
  question: 'what do the evictions cost in time and in memory, next to other caches?',
  takes: ['traces'],
  rounds: 5,

  cases: (options) =>
    QUESTIONS.flatMap(({ name, figures, ratios, cases }) =>
      cases(options).map((one) => ({ ...one, figures, ratios, spec: { ...one.spec, question: name } })),
    ),

  measure: ({ question, ...spec }) => QUESTIONS.find(({ name }) => name === question).measure(spec),

  conclude: (outcome) => ({ ...outcome, targets: targets(outcome) }),
}
