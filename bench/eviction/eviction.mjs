// `node bench/eviction/eviction.mjs [get|replay|bytes|stalls] [--rounds 5] [--only <text>] [--traces DIR] [--json FILE]`
// after `npm run build`: what the memory tier costs in time and memory, next to other caches of this ecosystem.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { report } from '../harness/report.mjs'
import { printReport } from '../harness/table.mjs'
import { questions } from './questions.mjs'

const child = fileURLToPath(new URL('child.mjs', import.meta.url))
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    traces: { type: 'string' },
    json: { type: 'string' },
  },
})

const asked = questions.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
if (asked.length === 0) {
  console.error(
    `Which question? ${questions.map(({ name, question }) => `\n  ${name.padEnd(8)} ${question}`).join('')}`,
  )
  process.exit(2)
}
const outcomes = []
for (const question of asked) outcomes.push(await answer(question))
if (options.json) writeFileSync(options.json, `${JSON.stringify(outcomes, null, 2)}\n`)

async function answer(question) {
  const rounds = Number(options.rounds)
  const cases = question
    .cases({ traces: options.traces })
    .filter(({ group, contender }) => new RegExp(options.only).test(`${group}, ${contender}`))
  const results = await measureInRounds(question, cases, rounds)
  const outcome = report({ ...question, name: question.name }, cases, results, { rounds })
  printReport(question, outcome)
  return outcome
}

/** Every case once a round, in a new process each, each round beginning with another one. */
async function measureInRounds(question, cases, rounds) {
  const results = cases.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < cases.length; turn++) {
      const index = (turn + round) % cases.length
      const args = ['--expose-gc', child, question.name, JSON.stringify(cases[index].spec)]
      const { stdout } = await promisify(execFile)(process.execPath, args)
      results[index].push(JSON.parse(stdout.trim().split('\n').at(-1)))
    }
  }
  return results
}
