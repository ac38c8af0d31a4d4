// `npm run drills [-- name …]`: see docs/playbooks/README.md.
import { fileURLToPath } from 'node:url'
import { DRILLS } from './drills.js'
import { Drill } from './kit/drill.js'

const names = process.argv.slice(2)
const unknown = names.find((name) => !Object.hasOwn(DRILLS, name))
if (unknown !== undefined) {
  console.error(`There is no drill '${unknown}'. There are: ${Object.keys(DRILLS).join(', ')}.`)
  process.exit(2)
}
const root = fileURLToPath(new URL('../../..', import.meta.url))
const failed: string[] = []
for (const [name, play] of Object.entries(DRILLS)) {
  if (names.length > 0 && !names.includes(name)) continue
  const startedAt = performance.now()
  const tookText = (): string => `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`
  try {
    await new Drill(name, { root, say: (line) => console.log(line) }).play(play)
    console.log(`  green, in ${tookText()}`)
  } catch (error) {
    failed.push(name)
    console.log(`  RED, after ${tookText()}: ${error instanceof Error ? error.message : error}`)
  }
}
if (failed.length > 0) {
  console.error(`\nRed: ${failed.join(', ')}`)
  process.exitCode = 1
}
