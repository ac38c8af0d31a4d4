import { parseArgs } from 'node:util'

export interface LoadOptions {
  readonly minutes: number
  readonly organisations: number
  readonly unitsPerOrganisation: number
  readonly readingsPerSecond: number
  readonly stateChangeRatio: number
  readonly dashboardsPerSecond: number
  /** Events to check; what the scenario itself does not bring comes from a burst of state changes after it. */
  readonly events: number
  /** Plays 1 × to this many × instead; 0 = no ramp. */
  readonly ramp: number
  readonly stepSeconds: number
  /** A server that runs already; none = start one. */
  readonly url: string | undefined
  readonly seed: number
  readonly json: boolean
}

export const USAGE = `npm run load -- [options]

  --minutes 5            how long the scenario runs
  --organisations 200    tenants; dashboards choose among them by zipf 0.9
  --units 10             units an organisation
  --readings 200         readings a second
  --changes 0.02         share of the readings that change a unit's state
  --dashboards 50        dashboards a second, 5 queries each
  --events 10000         events to check; a burst after the scenario brings what is missing, 0 = none
  --ramp 10              instead of the scenario: 1 x to 10 x of its load, one step after the other
  --step-seconds 30      length of a step of the ramp
  --url http://...       a server that runs already (start it with SIMULATOR=off)
  --seed 1               of arrivals and choices
  --json                 the result as JSON on standard output

CACHE, CACHE_TIERS, REDIS_URL, DATABASE_URL and the other variables of the server are passed on to it.
Exit code: 0 all verdicts hold, 1 one does not, 2 wrong options.`

/** What was asked for on the command line is not possible. */
export class LoadOptionsError extends Error {}

/** @throws LoadOptionsError naming the option. `undefined` = help was asked for. */
export function parseLoadOptions(args: readonly string[]): LoadOptions | undefined {
  const values = parse(args)
  if (values.help) return undefined
  const number = (name: keyof typeof values, minimum: number, maximum: number): number => {
    const value = Number(values[name])
    if (values[name] === '' || !(value >= minimum && value <= maximum)) {
      throw new LoadOptionsError(`--${name} must be a number from ${minimum} to ${maximum}; got '${values[name]}'.`)
    }
    return value
  }
  return {
    minutes: number('minutes', 0.05, 1_440),
    organisations: Math.round(number('organisations', 1, 10_000)),
    unitsPerOrganisation: Math.round(number('units', 2, 1_000)),
    readingsPerSecond: number('readings', 0, 10_000),
    stateChangeRatio: number('changes', 0, 1),
    dashboardsPerSecond: number('dashboards', 0, 10_000),
    events: Math.round(number('events', 0, 10_000_000)),
    ramp: Math.round(number('ramp', 0, 100)),
    stepSeconds: number('step-seconds', 1, 3_600),
    url: values.url,
    seed: Math.round(number('seed', 0, 4_294_967_295)),
    json: values.json,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '5' },
        organisations: { type: 'string', default: '200' },
        units: { type: 'string', default: '10' },
        readings: { type: 'string', default: '200' },
        changes: { type: 'string', default: '0.02' },
        dashboards: { type: 'string', default: '50' },
        events: { type: 'string', default: '10000' },
        ramp: { type: 'string', default: '0' },
        'step-seconds': { type: 'string', default: '30' },
        url: { type: 'string' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new LoadOptionsError((error as Error).message)
  }
}
