import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { LoadOptions } from './load-options.js'

export interface ServerProcess {
  readonly url: string
  close(): Promise<void>
}

/** The app in a process of its own, on a free port, with a database folder that is removed afterwards. */
export async function startServerProcess({ organisations, unitsPerOrganisation }: LoadOptions): Promise<ServerProcess> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'cold-chain-load-'))
  const child = fork(fileURLToPath(new URL('../main.js', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      PORT: '0',
      HOST: '127.0.0.1',
      DATA_DIR: dataDirectory,
      ORGS: String(organisations),
      SITES_PER_ORG: '2',
      UNITS_PER_ORG: String(unitsPerOrganisation),
      SIMULATOR: 'off',
      OFFLINE_AFTER_SECONDS: '86400',
    },
  })
  const ended = once(child, 'exit')
  const close = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
    await rm(dataDirectory, { recursive: true, force: true })
  }
  const url = await Promise.race([
    once(child, 'message').then(([message]) => (message as { url: string }).url),
    ended.then(() => undefined),
  ])
  if (url === undefined) {
    await close()
    throw new Error('The server ended before it listened: see its message above.')
  }
  return { url, close }
}
