import type { ScriptRun } from '../redis-protocol/redis-commands.js'
import type { RedisCommand, RedisConnection } from '../redis-protocol/redis-connection.js'
import { runUnfenced } from './unfenced-scripts.js'
import type { UpstashConnection } from './upstash-connection.js'

/** A connection to a server without scripts. */
export class UnfencedConnection implements RedisConnection {
  readonly isUp = true
  /** What a script does takes several requests here: who wants an order must wait for answers. */
  readonly keepsOrder = false
  readonly #connection: UpstashConnection

  constructor(connection: UpstashConnection) {
    this.#connection = connection
  }

  send(command: RedisCommand): Promise<unknown> {
    return this.#connection.send(command)
  }

  runScript({ script, keys, args }: ScriptRun): Promise<unknown> {
    return runUnfenced(script, {
      send: (...command) => this.#connection.send(command),
      transact: (commands) => this.#connection.transact(commands),
      keys,
      args,
    })
  }

  close(error: Error): void {
    this.#connection.close(error)
  }
}
