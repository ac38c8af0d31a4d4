// `npm run load -- …`: plays the load scenario of the cold-chain board.
import { join } from 'node:path'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

await main(async () => {
  await prepare(['.', 'apps/cold-chain'])
  return run(process.execPath, [join(root, 'apps/cold-chain/dist/load/main.js'), ...process.argv.slice(2)])
})
