// `npm run bench -- <scenario> …`: see bench/README.md.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

await main(async () => {
  const [name = '', ...rest] = process.argv.slice(2)
  await prepare(['.'])
  // A folder of the scenario's name is a program of its own, with options of its own.
  const own = join(root, 'bench', name, `${name}.mjs`)
  const program = /^[a-z-]+$/.test(name) && existsSync(own) ? [own] : [join(root, 'bench/main.mjs'), name]
  return run(process.execPath, ['--expose-gc', ...program, ...rest])
})
