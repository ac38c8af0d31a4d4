// Compiles the proof (the checkers, the simulation, the torture) and runs one of its programs.
import { join } from 'node:path'
import { Failure, main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

/** @param program its path in `proof`, without the ending */
export function runProof(program) {
  return main(async () => {
    await prepare(['.'])
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    if ((await run(process.execPath, [compiler, '-p', 'proof'], { cwd: root })) !== 0) {
      throw new Failure('The proof does not compile: see the messages above.')
    }
    return run(process.execPath, [join(root, 'proof/dist/proof', `${program}.js`), ...process.argv.slice(2)])
  })
}
