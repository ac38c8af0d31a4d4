// `npm run bench -- <scenario> …`: see bench/README.md.
import { join } from 'node:path'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

await main(async () => {
  await prepare(['.'])
  return run(process.execPath, ['--expose-gc', join(root, 'bench/main.mjs'), ...process.argv.slice(2)])
})
