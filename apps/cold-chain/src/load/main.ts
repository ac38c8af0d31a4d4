import { cpus } from 'node:os'
import { seededRandom } from '../simulator/seeded-random.js'
import { EventChecker } from './event-checker.js'
import { loadFleet } from './fleet.js'
import { HttpClient } from './http-client.js'
import { type LoadOptions, LoadOptionsError, parseLoadOptions, USAGE } from './load-options.js'
import { type Measurement, type MeasureOptions, measure } from './measure.js'
import { formatRamp, formatScenario, formatVerdicts } from './report.js'
import { Scenario } from './scenario.js'
import { type ServerProcess, startServerProcess } from './server-process.js'
import { judgeRamp, judgeScenario, type Verdict } from './verdicts.js'

// What `npm run load` runs.
const BURST_CHANGES_PER_SECOND = 60
const BURST_LIMIT_S = 600
const WARM_UP_S = 5

interface Result {
  readonly steps: readonly Measurement[]
  readonly burst?: Measurement | undefined
  readonly verdicts: readonly Verdict[]
  readonly text: string
}

async function run(options: LoadOptions, url: string): Promise<Result> {
  const client = new HttpClient(url)
  const checker = new EventChecker(client)
  try {
    const random = seededRandom(options.seed)
    const fleet = await loadFleet(client, random)
    const first = fleet.tenants[0]
    if (!first) throw new Error(`The server at ${url} has no organisation.`)
    const session = await client.json<{ eventNames: Parameters<EventChecker['connect']>[2] }>('POST', '/api/sessions', {
      body: { organisationId: first.id },
    })
    await checker.connect(url, fleet.tenants, session.eventNames)
    const scenario = new Scenario({ client, fleet, checker, random })
    const base = { client, token: first.token, scenario, checker, progress }
    progress(`${fleet.tenants.length} organisations, ${fleet.units.length} units; warming up for ${WARM_UP_S} s`)
    await measure({ ...base, rates: ratesAt(options, 1), seconds: WARM_UP_S, progress: () => {} })
    return options.ramp > 0 ? await playRamp(options, base, checker) : await playScenario(options, base, checker)
  } finally {
    checker.close()
    await client.close()
  }
}

type Base = Pick<MeasureOptions, 'client' | 'token' | 'scenario' | 'checker' | 'progress'>

async function playScenario(options: LoadOptions, base: Base, checker: EventChecker): Promise<Result> {
  const measured = await measure({ ...base, rates: ratesAt(options, 1), seconds: 60 * options.minutes })
  const text = formatScenario(measured)
  const burst = checker.events < options.events ? await playBurst(options, base, checker) : undefined
  const verdicts = judgeScenario(measured, checker, options.events)
  return { steps: [measured], burst, verdicts, text }
}

/** State changes only, close together, until enough events were checked. Dashboards go on meanwhile. */
function playBurst(options: LoadOptions, base: Base, checker: EventChecker): Promise<Measurement> {
  const rates = {
    readingsPerSecond: BURST_CHANGES_PER_SECOND,
    stateChangeRatio: 1,
    dashboardsPerSecond: options.dashboardsPerSecond,
  }
  return measure({ ...base, rates, seconds: BURST_LIMIT_S, until: () => checker.events >= options.events })
}

async function playRamp(options: LoadOptions, base: Base, checker: EventChecker): Promise<Result> {
  const steps: Measurement[] = []
  for (let factor = 1; factor <= options.ramp; factor += 1) {
    progress(`${factor} x`)
    steps.push(await measure({ ...base, rates: ratesAt(options, factor), seconds: options.stepSeconds }))
  }
  return { steps, verdicts: judgeRamp(steps, checker), text: formatRamp(steps) }
}

function ratesAt(options: LoadOptions, factor: number): Measurement['rates'] {
  const { readingsPerSecond, stateChangeRatio, dashboardsPerSecond } = options
  return {
    readingsPerSecond: factor * readingsPerSecond,
    stateChangeRatio,
    dashboardsPerSecond: factor * dashboardsPerSecond,
  }
}

/** One line that is written over, where there is a terminal; a line every now and then where there isn't. */
let lastProgressAt = 0
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
  else if (performance.now() - lastProgressAt > 15_000) {
    lastProgressAt = performance.now()
    process.stderr.write(`${text}\n`)
  }
}

function readOptions(): LoadOptions {
  try {
    const options = parseLoadOptions(process.argv.slice(2))
    if (options) return options
    process.stdout.write(`${USAGE}\n`)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof LoadOptionsError)) throw error
    process.stderr.write(`${error.message}\n\n${USAGE}\n`)
    process.exit(2)
  }
}

const options = readOptions()
let server: ServerProcess | undefined
try {
  server = options.url === undefined ? await startServerProcess(options) : undefined
  const { text, ...result } = await run(options, options.url ?? server!.url)
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model }
  const json = (): string => JSON.stringify({ options, machine, ...result }, null, 2)
  process.stdout.write(`${options.json ? json() : `${text}\n\n${formatVerdicts(result.verdicts)}`}\n`)
  if (result.verdicts.some((verdict) => !verdict.holds)) process.exitCode = 1
} catch (error) {
  process.stderr.write(`\nThe run was not finished: ${(error as Error).message}\n`)
  process.exitCode = 1
} finally {
  await server?.close()
}
