// `npm test`: installs, builds and starts what is missing, then every check and every test. Arguments go to vitest.
import { join } from 'node:path'
import { Failure, main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

await main(async () => {
  const args = process.argv.slice(2)
  await prepare(['.', 'apps/cold-chain'])
  await ensureServers()
  // Who names test files wants those alone.
  const isSelection = args.some((arg) => !arg.startsWith('-'))
  const isTidy = isSelection || (await lint())
  // With the type tests, vitest checks the types of all test files as well.
  const code = await runTool('vitest/vitest.mjs', ['run', ...args])
  if (!isTidy) console.error('\nThe tests aside, format or lint has failed: see above, or `npm run lint`.')
  return code || (isTidy ? 0 : 1)
})

/** A server that cannot be had is told with the command that gets it. */
async function ensureServers() {
  if ((await run(process.execPath, [join(root, 'scripts/ensure-servers.mjs')])) !== 0) {
    throw new Failure('The tests were not run.')
  }
}

async function lint() {
  console.error('Checking format and lint …')
  return (await runTool('@biomejs/biome/bin/biome', ['check', '.'])) === 0
}

function runTool(script, args) {
  return run(process.execPath, [join(root, 'node_modules', script), ...args], { cwd: root })
}
