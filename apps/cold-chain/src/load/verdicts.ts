import type { EventChecker } from './event-checker.js'
import type { Measurement } from './measure.js'

/** A target with what was measured against it. */
export interface Verdict {
  readonly name: string
  readonly target: string
  readonly measured: string
  readonly holds: boolean
}

const HIT_RATIO = 0.8
const HIT_P99_MS = 10
const FRESH_P99_MS = 500

export function judgeScenario(measured: Measurement, checker: EventChecker, wantedEvents: number): Verdict[] {
  const fresh = measured.writeToFreshReadMs
  const verdicts: Verdict[] = [
    {
      name: 'hit ratio, counting invalidations',
      target: `>= ${100 * HIT_RATIO} %`,
      measured: percent(measured.hitRatio),
      holds: (measured.hitRatio ?? 0) >= HIT_RATIO,
    },
    {
      name: 'P99 of a hit',
      target: `< ${HIT_P99_MS} ms`,
      measured: ms(measured.hitMs?.p99),
      holds: (measured.hitMs?.p99 ?? Infinity) < HIT_P99_MS,
    },
    {
      name: 'P99 write to fresh read',
      target: `< ${FRESH_P99_MS} ms`,
      measured: ms(fresh?.p99),
      holds: (fresh?.p99 ?? Infinity) < FRESH_P99_MS,
    },
    {
      name: 'answers older than their event',
      target: wantedEvents > 0 ? `0 of ${wantedEvents} events` : '0',
      measured: `${checker.olderAnswers} of ${checker.events} events (${checker.answers} answers)`,
      holds: checker.olderAnswers === 0 && checker.events >= Math.max(1, wantedEvents),
    },
  ]
  const errors = measured.errors + checker.errors
  verdicts.push({ name: 'failed requests', target: '0', measured: String(errors), holds: errors === 0 })
  return verdicts
}

/** S4-4: a ramp holds while hits stay quick, nothing fails and memory does not run away. */
export function judgeRamp(steps: readonly Measurement[], checker: EventChecker): Verdict[] {
  const worstHit = Math.max(...steps.map((step) => step.hitMs?.p99 ?? Infinity))
  const rss = steps.map((step) => step.serverRssMb)
  const errors = steps.reduce((sum, step) => sum + step.errors, checker.errors)
  const growth = Math.max(...rss) / rss[0]!
  return [
    {
      name: 'P99 of a hit, worst step',
      target: `< ${HIT_P99_MS} ms`,
      measured: ms(worstHit),
      holds: worstHit < HIT_P99_MS,
    },
    { name: 'memory, largest step', target: '< 2 x the first', measured: `${growth.toFixed(2)} x`, holds: growth < 2 },
    {
      name: 'answers older than their event',
      target: '0',
      measured: `${checker.olderAnswers} of ${checker.events} events`,
      holds: checker.olderAnswers === 0,
    },
    { name: 'failed requests', target: '0', measured: String(errors), holds: errors === 0 },
  ]
}

export function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(1)} %`
}

export function ms(value: number | undefined): string {
  return value === undefined || value === Infinity ? '-' : `${value.toFixed(value < 10 ? 2 : 1)} ms`
}
