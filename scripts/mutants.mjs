// Removes one rule of the protocol at a time from a copy of the sources and expects the tests to notice.
//   npm run mutants [-- part-of-a-name …]
//   TESTS=test/proof/simulation.test.ts SEEDS=2000 npm run mutants     by these tests alone
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MUTANTS, TESTS } from './mutant-list.mjs'

const root = join(import.meta.dirname, '..')
const copy = join(root, '.mutants')
const wanted = process.argv.slice(2)
const survivors = []

function prepare() {
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy)
  for (const part of ['src', 'test', 'proof', 'scripts', 'tsconfig.json', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  // Tests that start processes of their own use what was built.
  for (const part of ['node_modules', 'dist']) symlinkSync(join(root, part), join(copy, part))
}

/** The failed tests, each with what it says first; empty if all are green. */
function failures(tests = TESTS) {
  const run = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--root',
      copy,
      '--reporter',
      'json',
      // One file after the other: where two fail at the same moment, each is cut short for the other and neither is told.
      '--no-file-parallelism',
      '--bail',
      '1',
      ...(process.env.TESTS?.split(',') ?? tests),
    ],
    { encoding: 'utf8', env: { ...process.env, SEEDS: process.env.SEEDS ?? '4000', NO_COLOR: '1' } },
  )
  const report = JSON.parse(run.stdout.slice(run.stdout.indexOf('{')))
  if (report.numTotalTests === 0) throw new Error(`no test ran: ${run.stdout}${run.stderr}`)
  return report.testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages: [message = ''] }) => `'${title}': ${message.split('\n')[0].slice(0, 160)}`),
  )
}

const unknown = wanted.filter((word) => !MUTANTS.some(({ name }) => name.includes(word)))
if (unknown.length > 0)
  throw new Error(`no mutant has '${unknown.join("' or '")}' in its name: see scripts/mutant-list.mjs`)
const played = MUTANTS.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
prepare()
const red = failures([...new Set(played.flatMap(({ tests = TESTS }) => tests))])
if (red.length > 0) throw new Error(`the tests fail without any mutant: ${red.join(', ')}`)

for (const mutant of played) {
  prepare()
  const file = join(copy, mutant.file)
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(mutant.find, () => mutant.replace),
  )
  const [killer] = failures(mutant.tests)
  console.log(`${killer === undefined ? 'SURVIVED' : 'killed  '}  ${mutant.name}  ${killer ? `by ${killer}` : ''}`)
  if (killer === undefined) survivors.push(mutant.name)
}
rmSync(copy, { recursive: true, force: true })
if (survivors.length > 0) {
  console.error(`\nNot caught:\n${survivors.join('\n')}`)
  process.exitCode = 1
}
