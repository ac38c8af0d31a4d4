import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Before any test: the servers that tests start themselves must be installed. */
export default function setup(): void {
  const script = fileURLToPath(new URL('../scripts/ensure-servers.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
  if (status !== 0) throw new Error('a server that the tests need is missing, see above')
}
