// `npm run prove`: every scope of the protocol, then every mutant with its counterexample. `-- --small` leaves the large
// scopes out; `-- <mutant>` prints one counterexample step by step.
import { parseArgs } from 'node:util'
import { counterexample, EFFICIENCY_ONLY, mutantChecks, safetyChecks } from './prove.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { small: { type: 'boolean', default: false } },
})
const [wanted] = positionals
process.exitCode = wanted === undefined ? proveAll() : tellMutant(wanted)

function proveAll(): number {
  let faults = 0
  for (const size of values.small ? (['small'] as const) : (['small', 'full'] as const)) {
    for (const { scope, run } of safetyChecks(size)) {
      const startedAt = performance.now()
      const verdict = run()
      const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
      console.log(
        `${verdict.verdict.padEnd(10)} ${String(verdict.states).padStart(9)} states ${seconds.padStart(6)} s  ${scope}`,
      )
      if (verdict.verdict === 'safe') continue
      faults++
      if (verdict.verdict === 'violated') console.log(`  ${[...verdict.trace, verdict.fault].join('\n  ')}`)
    }
  }
  for (const mutant of mutantChecks()) {
    const found = counterexample(mutant)
    const isExpected = (found === undefined) === EFFICIENCY_ONLY.has(mutant.name)
    if (!isExpected) faults++
    const verdict = found === undefined ? 'safe' : `${found.trace.length} steps`
    console.log(`${isExpected ? '' : 'UNEXPECTED '}${verdict.padEnd(10)} ${mutant.name.padEnd(24)} ${mutant.without}`)
  }
  return faults === 0 ? 0 : 1
}

function tellMutant(name: string): number {
  const mutant = mutantChecks().find((one) => one.name === name)
  if (mutant === undefined) {
    console.error(
      `Which mutant? ${mutantChecks()
        .map((one) => one.name)
        .join(', ')}`,
    )
    return 2
  }
  const found = counterexample(mutant)
  console.log(`${name}: ${mutant.without}`)
  if (found === undefined) console.log('No small scope has a counterexample.')
  else {
    console.log(`In the scope '${found.scope}':`)
    for (const [index, step] of found.trace.entries()) console.log(`${String(index + 1).padStart(4)}. ${step}`)
    console.log(`Then ${found.fault}.`)
  }
  return 0
}
