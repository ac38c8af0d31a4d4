import { randomBytes } from 'node:crypto'
import { chown, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import type { PostgresPrograms } from './find-programs.js'
import { freePort, TemporaryServer } from './temporary-server.js'

/** Nothing here has to survive a power cut. */
const SETTINGS = ['fsync=off', 'full_page_writes=off', 'unix_socket_directories=', 'listen_addresses=127.0.0.1']

/** A PostgreSQL of the demo's own: empty, on a free port of 127.0.0.1, with a password that nobody else knows. */
export async function startPostgresServer(
  { initdb, postgres, user }: PostgresPrograms,
  created: (server: TemporaryServer) => void,
): Promise<string> {
  const server = await TemporaryServer.create({ name: 'postgres', user })
  created(server)
  const data = join(server.folder, 'data')
  const [port, password] = [await freePort(), randomBytes(16).toString('hex')]
  const passwordFile = join(server.folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (user) await chown(passwordFile, user.uid, user.gid)
  const who = ['--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
  await server.run(initdb, [`--pgdata=${data}`, ...who, '--encoding=UTF8', '--no-locale', '--no-sync'])
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`
  const settings = SETTINGS.flatMap((setting) => ['-c', setting])
  await server.start(postgres, ['-D', data, '-p', String(port), ...settings], () => answers(url))
  return url
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
