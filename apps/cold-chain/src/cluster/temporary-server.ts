import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Ends the server and removes its folder `$0` when its own standard input ends: when the demo closes it, and also when
 * the demo dies in any way. Each line is the id of the process that runs now, an empty one says that none does. A process
 * that does not end within five seconds is killed.
 */
const WATCHDOG = `
while read -r line; do server=$line; done
if [ -n "$server" ]; then
  kill -INT "$server" 2>/dev/null
  for i in 1 2 3 4 5 6 7 8 9 10; do
    for j in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$server" 2>/dev/null && sleep 0.05; done
  done
  kill -KILL "$server" 2>/dev/null
fi
rm -rf -- "$0"
`
const READY_MS = 60_000
const LOOK_MS = 50

/** Who a server runs as, where that must be another user than ours. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
}

export interface TemporaryServerOptions {
  readonly name: string
  readonly user?: ServerUser | undefined
}

/** A server in a temporary folder of its own. Nothing of it outlives this process, however that ends. */
export class TemporaryServer {
  readonly folder: string
  readonly #options: TemporaryServerOptions
  readonly #watchdog: ChildProcess
  #failure: Error | undefined

  static async create(options: TemporaryServerOptions): Promise<TemporaryServer> {
    const folder = await mkdtemp(join(tmpdir(), `cold-chain-${options.name}-`))
    if (options.user) await chown(folder, options.user.uid, options.user.gid)
    return new TemporaryServer(folder, options)
  }

  private constructor(folder: string, options: TemporaryServerOptions) {
    this.folder = folder
    this.#options = options
    // Detached: Ctrl+C in a terminal goes to all its processes, and the servers must be the last to end.
    this.#watchdog = spawn('/bin/sh', ['-c', WATCHDOG, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
    this.#watchdog.on('error', (error) => {
      this.#failure = error
    })
    this.#watchdog.stdin?.on('error', () => {})
  }

  /** Runs a command to its end. */
  async run(command: string, args: readonly string[]): Promise<void> {
    const child = await this.#spawn(command, args)
    const [code] = await once(child, 'exit')
    if (code !== 0) throw await this.#explain(`${command} ended with ${code}`)
  }

  /** Starts the server itself; resolves when `isReady` says so. */
  async start(command: string, args: readonly string[], isReady: () => Promise<boolean>): Promise<void> {
    const child = await this.#spawn(command, args)
    const deadline = performance.now() + READY_MS
    while (!(await isReady())) {
      if (child.exitCode !== null || child.signalCode !== null) throw await this.#explain(`${command} ended`)
      if (performance.now() > deadline)
        throw await this.#explain(`${command} did not answer within ${READY_MS / 1_000} s`)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
  }

  /** Ends the server and removes the folder. */
  async close(): Promise<void> {
    if (this.#watchdog.exitCode !== null || this.#failure) return
    const exited = once(this.#watchdog, 'exit')
    this.#watchdog.stdin?.end()
    await exited
  }

  async #spawn(command: string, args: readonly string[]): Promise<ChildProcess> {
    const log = await open(join(this.folder, 'log'), 'a')
    const options: SpawnOptions = {
      cwd: this.folder,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      ...this.#options.user,
    }
    const child = spawn(command, args, options)
    try {
      await once(child, 'spawn')
    } finally {
      await log.close()
    }
    this.#watchdog.stdin?.write(`${child.pid}\n`)
    child.once('exit', () => this.#watchdog.stdin?.writable && this.#watchdog.stdin.write('\n'))
    return child
  }

  async #explain(what: string): Promise<Error> {
    const log = await readFile(join(this.folder, 'log'), 'utf8').catch(() => '')
    return new Error(`${what}.\n${log.trim().split('\n').slice(-5).join('\n')}`)
  }
}

/** A port of 127.0.0.1 on which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
