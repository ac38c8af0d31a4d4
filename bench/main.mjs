// `npm run bench -- <scenario> [--rounds 9] [--only <text>] [--json] [--compare] [--record]`
import { parseArgs } from 'node:util'
import { compareWithBaseline, recordBaseline } from './harness/baseline.mjs'
import { report } from './harness/report.mjs'
import { measureInRounds } from './harness/rounds.mjs'
import { scenarios } from './harness/scenarios.mjs'
import { printReport } from './harness/table.mjs'

const all = await scenarios()
const { values: options, positionals } = readArguments()
const scenario = all.get(positionals[0] ?? '')
if (!scenario || positionals.length > 1) {
  console.error(
    `Which scenario?\n${[...all.values()].map(({ name, question }) => `  ${name.padEnd(12)} ${question}`).join('\n')}`,
  )
  process.exit(2)
}
const rounds = Number(options.rounds)
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error(`--rounds must be a whole number, 1 or more; got '${options.rounds}'.`)
  process.exit(2)
}
const cases = scenario.cases().filter(({ group, contender }) => `${group} ${contender}`.includes(options.only))
if (cases.length === 0) {
  console.error(`No case of ${scenario.name} has '${options.only}' in its name.`)
  process.exit(2)
}

const results = await measureInRounds(scenario, cases, { rounds, onProgress: showProgress })
const outcome = report(scenario, cases, results, { rounds })
if (options.json) console.log(JSON.stringify(outcome, null, 2))
else printReport(scenario, outcome)
if (options.record) recordBaseline(scenario, outcome)
if (options.compare) process.exitCode = compare(outcome)

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rounds: { type: 'string', default: '9' },
        only: { type: 'string', default: '' },
        json: { type: 'boolean', default: false },
        compare: { type: 'boolean', default: false },
        record: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    console.error(error.message)
    process.exit(2)
  }
}

function showProgress({ round, rounds: of, turn, turns, contender }) {
  if (!process.stderr.isTTY) return
  process.stderr.write(`\r\u001b[Kround ${round + 1}/${of}, ${turn + 1}/${turns}: ${contender}`)
  if (round === of - 1 && turn === turns - 1) process.stderr.write('\r\u001b[K')
}

function compare(measured) {
  const found = compareWithBaseline(scenario, measured)
  if (!found) console.error(`bench/baseline.json has nothing about ${scenario.name}; record it with --record.`)
  for (const sentence of found ?? []) console.error(`worse: ${sentence}`)
  if (found?.length === 0) console.error('Nothing is worse than the baseline.')
  return found?.length === 0 ? 0 : 1
}
