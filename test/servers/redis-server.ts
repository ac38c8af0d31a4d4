import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis, type RedisOptions } from 'ioredis'
import { until } from '../kit/until.ts'
import { freePort } from './free-port.ts'

const ATTEMPTS = 3

/**
 * Keeps the server until its own standard input ends, which happens when the test closes it and also when the test's
 * process dies in any way; then removes the server's folder. `$0` is the folder.
 */
const KEEPER = `
trap '' INT TERM
redis-server "$@" >"$0/log" 2>&1 &
server=$!
cat >/dev/null
kill -KILL "$server"
wait "$server" 2>/dev/null
rm -rf -- "$0"
`

/** A real redis-server of a test's own: empty, without persistence, on a free port of 127.0.0.1. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** An ioredis client that `stop` closes. */
  client(options?: RedisOptions): Redis
  /** Stops the process in its tracks: connections stay, nothing is answered. Answers how to let it go on. */
  freeze(): Promise<() => void>
  /** Closes the clients and ends the server; nothing of it is left. */
  stop(): Promise<void>
}

export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number
  readonly args?: readonly string[]
  /** Text of a configuration file that the server may rewrite, as a sentinel does. */
  readonly config?: string
}

export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort())
    const keeper = await spawnServer(port, options)
    try {
      await until(() => answers(port), { what: `redis-server on port ${port}`, withinMs: 5_000, everyMs: 10 })
      return handleOf(keeper, port)
    } catch (error) {
      // Somebody may have taken the port between the look and the start.
      await end(keeper)
      if (attempt === ATTEMPTS) throw error
    }
  }
}

async function spawnServer(port: number, { args = [], config }: RedisServerOptions): Promise<ChildProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'freshtier-redis-'))
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  const settings =
    config === undefined ? [...place, '--save', '', '--appendonly', 'no'] : [join(folder, 'conf'), ...place]
  if (config !== undefined) await writeFile(join(folder, 'conf'), config)
  return spawn('/bin/sh', ['-c', KEEPER, folder, ...settings, ...args], { stdio: ['pipe', 'ignore', 'inherit'] })
}

function handleOf(keeper: ChildProcess, port: number): RedisServer {
  const clients: Redis[] = []
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    client(options = {}) {
      const client = new Redis({ host: '127.0.0.1', port, ...options })
      // A test that stops its server does not want the client's complaints on the console.
      client.on('error', () => {})
      clients.push(client)
      return client
    },
    async freeze() {
      const admin = this.client()
      const pid = Number(/process_id:(\d+)/.exec(await admin.info('server'))?.[1])
      process.kill(pid, 'SIGSTOP')
      return () => process.kill(pid, 'SIGCONT')
    },
    async stop() {
      // A second call would only start a timer in ioredis.
      for (const client of clients) if (client.status !== 'end') client.disconnect()
      await end(keeper)
    },
  }
}

async function end(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return
  const exited = once(keeper, 'exit')
  keeper.stdin?.end()
  await exited
}

/** A bare socket: a client would go on trying. Whoever else has the port may accept, and say nothing or hang up. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const settle = (isUp: boolean) => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('data', (data) => settle(/^(\+PONG|-NOAUTH)/.test(data.toString())))
    for (const event of ['error', 'close', 'timeout']) socket.once(event, () => settle(false))
    socket.setTimeout(1_000)
  })
}
