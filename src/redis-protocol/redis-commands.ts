import type { RedisCommand } from './redis-connection.js'
import type { RedisScript } from './redis-script.js'

/** A run of a script: all its keys lie in one slot. */
export interface ScriptRun {
  readonly script: RedisScript
  readonly keys: readonly string[]
  readonly args: readonly string[]
}

interface Answer {
  readonly reply: unknown
  /** Counts answers of this process in the order in which they came. */
  readonly order: number
}

/** A way to the server: a connection, or the guard before it. */
export interface RedisSender {
  /** As that of a connection. */
  readonly keepsOrder: boolean
  send(command: RedisCommand): Promise<unknown>
  runScript?: ((run: ScriptRun) => Promise<unknown>) | undefined
}

/** Sends commands and scripts; knows what a server that lost its scripts needs, and about order. */
export class RedisCommands {
  readonly #sender: RedisSender
  #answers = 0

  constructor(sender: RedisSender) {
    this.#sender = sender
  }

  async run(command: RedisCommand | ScriptRun): Promise<unknown> {
    return (await this.#ask(command)).reply
  }

  /**
   * Runs `last` after all of `first`, in one round trip where order is kept. `first` must be safe to
   * follow by `last` twice.
   *
   * What was sent in order is executed in order, except that a script which had to be sent again runs late, and that
   * clients send again after a reconnect what was not answered. Answers come in the order of execution: if that of
   * `last` was not the last one, it proves nothing and `last` is run again.
   */
  async runInOrder(
    first: readonly (RedisCommand | ScriptRun)[],
    last: ScriptRun,
  ): Promise<{ first: unknown[]; last: unknown }> {
    const sent = Promise.all(first.map((command) => this.#ask(command)))
    const [before, after] = this.#sender.keepsOrder
      ? await Promise.all([sent, this.#ask(last)])
      : [await sent, await this.#ask(last)]
    const isProven = before.every(({ order }) => order < after.order)
    return { first: before.map(({ reply }) => reply), last: isProven ? after.reply : await this.run(last) }
  }

  async #ask(command: RedisCommand | ScriptRun): Promise<Answer> {
    if (!isScriptRun(command)) return this.#send(command)
    if (this.#sender.runScript) return this.#numbered(this.#sender.runScript(command))
    const { script, keys, args } = command
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.#send(['EVALSHA', script.sha, ...rest])
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return this.#send(['EVAL', script.lua, ...rest])
    }
  }

  /** Numbered where the answer arrives, before any promise of ours can change the order. */
  #send(command: RedisCommand): Promise<Answer> {
    return this.#numbered(this.#sender.send(command))
  }

  #numbered(reply: Promise<unknown>): Promise<Answer> {
    return reply.then((reply) => ({ reply, order: ++this.#answers }))
  }
}

function isScriptRun(command: RedisCommand | ScriptRun): command is ScriptRun {
  return 'script' in command
}
