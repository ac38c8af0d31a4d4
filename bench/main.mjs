// `npm run bench -- <scenario> [--rounds 9] [--only <text>]… [--json | --markdown] [--compare] [--record]`
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readArguments } from './harness/arguments.mjs'
import { compareWithBaseline, recordBaseline } from './harness/baseline.mjs'
import { report } from './harness/report.mjs'
import { measureInRounds } from './harness/rounds.mjs'
import { scenarios } from './harness/scenarios.mjs'
import { printReport } from './harness/table.mjs'

const { scenario, options, rounds, cases } = await understood()
const results = await measureInRounds(scenario, cases, { rounds, onProgress: showProgress })
const measured = report(scenario, cases, results, { rounds })
const outcome = scenario.conclude ? scenario.conclude(measured, options) : measured
if (options.json) console.log(JSON.stringify(outcome, null, 2))
else printReport(scenario, outcome, options)
if (options.plots) writePlots(options.plots)
if (options.record) recordBaseline(scenario, outcome)
if (options.compare) process.exitCode = compare()

/** What is to be done, or the end of this process with a sentence that says why it can't be. */
async function understood() {
  try {
    const asked = readArguments(await scenarios(), process.argv.slice(2))
    const { only } = asked.options
    const cases = asked.scenario
      .cases(asked.options)
      .filter(({ group, contender }) => only.every((text) => `${group} ${contender}`.includes(text)))
    if (cases.length === 0)
      throw new Error(`No case of ${asked.scenario.name} has '${only.join("' and '")}' in its name.`)
    return { ...asked, cases }
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

function writePlots(folder) {
  mkdirSync(folder, { recursive: true })
  for (const { file, text } of scenario.plots(outcome)) writeFileSync(join(folder, file), text)
}

function compare() {
  const found = compareWithBaseline(scenario, outcome)
  if (!found) console.error(`bench/baseline.json has nothing about ${scenario.name}; record it with --record.`)
  for (const sentence of found ?? []) console.error(`worse: ${sentence}`)
  if (found?.length === 0) console.error('Nothing is worse than the baseline.')
  return found?.length === 0 ? 0 : 1
}
