// Makes sure that the servers which the tests start can be started. Installs what is missing where that needs no
// question (root on Debian or Ubuntu), else ends with the one line that does it.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const SERVERS = [{ program: 'redis-server', aptPackage: 'redis-server', brewPackage: 'redis' }]

export function ensureServers() {
  const missing = SERVERS.filter(({ program }) => !isInstalled(program))
  if (missing.length === 0) return
  const packages = missing.map(({ aptPackage }) => aptPackage)
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(howToInstall(missing))
  console.log(`Installing ${packages.join(', ')} for the tests (apt-get) …`)
  // RUNLEVEL=1 keeps the package from starting a server of its own.
  const env = { ...process.env, RUNLEVEL: '1', DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...packages]]) {
    const { status, stdout, stderr } = spawnSync('apt-get', args, { env, encoding: 'utf8' })
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed.\n${stdout}${stderr}\n${howToInstall(missing)}`)
  }
}

function isInstalled(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined
}

function howToInstall(missing) {
  const names = missing.map(({ program }) => program).join(', ')
  const line =
    process.platform === 'darwin'
      ? `brew install ${missing.map(({ brewPackage }) => brewPackage).join(' ')}`
      : `sudo apt-get update && sudo RUNLEVEL=1 apt-get install -y --no-install-recommends ${missing.map(({ aptPackage }) => aptPackage).join(' ')}`
  return `The tests need ${names} on the PATH. Install with: ${line}`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    ensureServers()
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
