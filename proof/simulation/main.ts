// `npm run simulate -- --seeds 100000 [--from 1]`: plays that many scenarios. `-- --seed 7 [--faults a,b] [--calls 50]
// [--duration 800] [--processes 2] [--without sets,disk]` plays one and tells what happened.
import { parseArgs } from 'node:util'
import { FAULTS, type Scenario, SWITCHES, scenarioOf, toldScenario } from './scenario.js'
import { shrink } from './shrink.js'
import { simulate } from './simulate.js'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    faults: { type: 'string' },
    calls: { type: 'string' },
    duration: { type: 'string' },
    processes: { type: 'string' },
    without: { type: 'string' },
  },
})
process.exitCode = values.seed === undefined ? await playMany() : await playOne(wholeNumber('seed', values.seed))

async function playMany(): Promise<number> {
  const from = wholeNumber('from', values.from)
  const seeds = wholeNumber('seeds', values.seeds)
  let reads = 0
  let acknowledgements = 0
  let failing = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const scenario = scenarioOf(seed)
    const outcome = await simulate(scenario)
    reads += outcome.reads
    acknowledgements += outcome.acknowledgements
    if (outcome.violations.length > 0) {
      failing++
      const small = await shrink(scenario)
      console.log(`${outcome.violations[0]}\n  again: npm run simulate -- ${toldScenario(small.scenario)}`)
    }
    if ((seed - from + 1) % 10_000 === 0) console.log(`… ${seed - from + 1} seeds, ${reads} reads`)
  }
  console.log(
    `${seeds} seeds from ${from}: ${reads} reads, ${acknowledgements} acknowledged changes, ${failing} seeds with a violation`,
  )
  return failing === 0 ? 0 : 1
}

async function playOne(seed: number): Promise<number> {
  const changes: { -readonly [K in keyof Scenario]?: Scenario[K] } = {}
  if (values.faults !== undefined) changes.faults = namesIn('faults', values.faults, FAULTS)
  if (values.calls !== undefined) changes.calls = wholeNumber('calls', values.calls)
  if (values.duration !== undefined) changes.durationMs = wholeNumber('duration', values.duration)
  if (values.processes !== undefined) changes.processes = wholeNumber('processes', values.processes)
  for (const name of namesIn('without', values.without, SWITCHES)) changes[name] = false
  const scenario = scenarioOf(seed, changes)
  const { events, violations, reads, hash } = await simulate(scenario)
  for (const event of events) console.log(event)
  console.log(`\n${JSON.stringify(scenario)}\n${reads} reads, history ${hash}`)
  for (const violation of violations) console.log(`VIOLATION ${violation}`)
  return violations.length === 0 ? 0 : 1
}

function namesIn<Name extends string>(option: string, text: string | undefined, known: readonly Name[]): Name[] {
  const names = text === undefined || text === 'none' ? [] : text.split(',')
  for (const name of names) {
    if (!(known as readonly string[]).includes(name))
      throw new Error(`--${option}: there is no '${name}'; there are ${known.join(', ')}`)
  }
  return names as Name[]
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} must be a whole number, got '${text}'`)
  return number
}
