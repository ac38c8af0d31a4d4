// What every command needs first: a Node that is new enough, the packages, the build. Does only what is missing.
import { buildIfNeeded } from './build.mjs'
import { Failure } from './failure.mjs'
import { installIfNeeded } from './install.mjs'

const NEEDED = [20, 19]

/** @param projects folders to build, in order; '.' is the library. */
export async function prepare(projects) {
  checkNode()
  await installIfNeeded()
  for (const project of projects) await buildIfNeeded(project)
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) return
  throw new Failure(
    `Node.js ${NEEDED.join('.')} or newer is needed; this is ${process.versions.node} (${process.execPath}). ` +
      'Install a newer one from nodejs.org, then try again.',
  )
}
