import type { ScriptRun } from './redis-commands.js'

/** One command as text: name, then arguments. */
export type RedisCommand = readonly [name: string, ...args: string[]]

/**
 * What the tier needs of any client library. One file each implements it, so that the tier itself knows none of them.
 */
export interface RedisConnection {
  /** False while a command could only wait for a connection to come back. */
  readonly isUp: boolean
  /**
   * True if commands of one turn travel over one connection and are executed in the order in which they were sent.
   * False on Cluster, where each key has its own node.
   */
  readonly keepsOrder: boolean
  /** True where the client refuses what was under way when a connection broke, instead of sending it again by itself. */
  readonly refusesBroken?: boolean
  /** Present where keys are spread over several nodes. */
  readonly nodes?: RedisNodes | undefined
  /** Runs `run` as soon as what was sent up to now is written. Undefined where that is not known. */
  onceWritten?(run: () => void): void
  /** One attempt. Rejects with what server or client said. May never settle: the tier has its own deadline. */
  send(command: RedisCommand): Promise<unknown>
  /**
   * Opens a connection of its own that reconnects by itself. Errors on it are never thrown. Undefined where the
   * technology cannot.
   */
  subscribe?(channels: readonly string[], onMessage: (channel: string, message: string) => void): RedisSubscription
  /**
   * Does by commands what a script does, for servers that run none: not atomically, so nothing is fenced. Undefined
   * where scripts are sent.
   */
  runScript?(run: ScriptRun): Promise<unknown>
  /** Rejects what is under way, if the tier does not go over a client of the user's. */
  close?(error: Error): void
}

/** The primaries of a Cluster. A node is named as the client names it. */
export interface RedisNodes {
  /** The primaries known now. */
  names(): readonly string[]
  /** The primary of a slot, as far as the client knows. Which one it really is, MOVED tells the client. */
  ofSlot(slot: number): string | undefined
  isUpNode(node: string): boolean
  /** A command that is about the node, not about a key: TIME, PING, INFO, SCAN. */
  sendTo(node: string, command: RedisCommand): Promise<unknown>
  /**
   * Commands on keys of one node, in one write. One answer for each: its reply, the Error that came instead, or a
   * promise of its own if it must be sent elsewhere. MOVED and ASK are followed.
   */
  sendTogether(node: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]>
}

export interface RedisSubscription {
  /** Resolves when the server has confirmed, rejects if it refused. */
  readonly confirmed: Promise<void>
  /** Closes the connection. */
  end(): Promise<void>
}

/** The key by which a command is routed. */
export function keyOf([name, ...args]: RedisCommand): string {
  return (name === 'EVALSHA' || name === 'EVAL' ? args[2] : args[0]) ?? ''
}
