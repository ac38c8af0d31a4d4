import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

const OPTIONS = {
  rounds: { type: 'string' },
  only: { type: 'string', multiple: true, default: [] },
  json: { type: 'boolean', default: false },
  markdown: { type: 'boolean', default: false },
  compare: { type: 'boolean', default: false },
  record: { type: 'boolean', default: false },
  traces: { type: 'string' },
  plots: { type: 'string' },
}
/** Options that mean something to some scenarios only; those name them in `takes`. */
const OF_SOME = ['traces', 'plots']
const USUAL_ROUNDS = 9

/** What the command line asks for. A sentence is thrown if that can't be. */
export function readArguments(scenarios, args) {
  const { values: options, positionals } = parseArgs({ args, allowPositionals: true, options: OPTIONS })
  const scenario = scenarios.get(positionals[0] ?? '')
  if (!scenario || positionals.length > 1) {
    const known = [...scenarios.values()].map(({ name, question }) => `  ${name.padEnd(12)} ${question}`)
    throw new Error(`Which scenario?\n${known.join('\n')}`)
  }
  const foreign = OF_SOME.find((name) => options[name] !== undefined && !scenario.takes?.includes(name))
  if (foreign) throw new Error(`${scenario.name} takes no --${foreign}.`)
  if (options.traces !== undefined && !existsSync(options.traces)) {
    throw new Error(`--traces: there is no folder '${options.traces}'.`)
  }
  const rounds = Number(options.rounds ?? scenario.rounds ?? USUAL_ROUNDS)
  if (!Number.isSafeInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds must be a whole number, 1 or more; got '${options.rounds}'.`)
  }
  return { scenario, options, rounds }
}
