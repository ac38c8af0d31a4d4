export const UNIT_STATES = ['normal', 'warning', 'critical', 'offline'] as const
export type UnitState = (typeof UNIT_STATES)[number]

export interface Thresholds {
  readonly minimumCelsius: number
  readonly maximumCelsius: number
  /** Further outside the range than this is critical, not only a warning. */
  readonly criticalMargin: number
}

/** A unit comes back to a milder state only when it is this share of the critical margin clear of the limit: no flapping. */
const HYSTERESIS = 0.1

/** The state of a unit after a reading. */
export function stateAfter(
  celsius: number,
  thresholds: Thresholds,
  previous: UnitState,
): Exclude<UnitState, 'offline'> {
  const outside = degreesOutside(celsius, thresholds)
  const slack = HYSTERESIS * thresholds.criticalMargin
  const criticalAbove = thresholds.criticalMargin - (previous === 'critical' ? slack : 0)
  const warningAbove = previous === 'critical' || previous === 'warning' ? -slack : 0
  if (outside > criticalAbove) return 'critical'
  return outside > warningAbove ? 'warning' : 'normal'
}

export function isInRange(celsius: number, thresholds: Thresholds): boolean {
  return degreesOutside(celsius, thresholds) <= 0
}

/** How far a temperature is outside the range; negative inside. */
function degreesOutside(celsius: number, { minimumCelsius, maximumCelsius }: Thresholds): number {
  return Math.max(minimumCelsius - celsius, celsius - maximumCelsius)
}

const WORST_FIRST = ['critical', 'offline', 'warning', 'normal'] as const satisfies readonly UnitState[]

/** The state that someone has to look at first; `normal` if there is no unit at all. */
export function worstState(counts: Readonly<Record<UnitState, number>>): UnitState {
  return WORST_FIRST.find((state) => counts[state] > 0) ?? 'normal'
}
