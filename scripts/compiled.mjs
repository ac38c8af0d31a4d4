// Compiles a folder of TypeScript beside the library (proof, drills) and runs one of its programs.
import { join } from 'node:path'
import { Failure, main } from './failure.mjs'
import { root } from './places.mjs'
import { prepare } from './prepare.mjs'
import { run } from './run.mjs'

/**
 * @param folder that has a tsconfig.json and compiles into its `dist`
 * @param program its path in the folder, without the ending
 * @param projects what has to be built before
 */
export function runCompiled(folder, program, projects = ['.']) {
  return main(async () => {
    await prepare(projects)
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    if ((await run(process.execPath, [compiler, '-p', folder], { cwd: root })) !== 0) {
      throw new Failure(`${folder} does not compile: see the messages above.`)
    }
    return run(process.execPath, [join(root, folder, 'dist', folder, `${program}.js`), ...process.argv.slice(2)])
  })
}
