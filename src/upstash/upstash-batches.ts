import type { RedisCommand } from '../redis-protocol/redis-connection.js'

/** Upstash takes requests of up to 10 MB. */
const MAX_REQUEST_BYTES = 8 * 1024 ** 2
const MAX_COMMANDS = 1_000

/** A command that waits for its request. */
export interface QueuedCommand {
  readonly command: RedisCommand
  /** Not sent after this moment: whoever asked has had its error. */
  readonly dueAt: number
  resolve(reply: unknown): void
  reject(error: Error): void
}

export interface UpstashBatch {
  readonly commands: readonly QueuedCommand[]
  /** Each command as JSON. */
  readonly texts: readonly string[]
}

/** Cuts commands, in their order, into requests of a size that servers take. */
export function* batchesOf(queue: readonly QueuedCommand[]): Generator<UpstashBatch> {
  let commands: QueuedCommand[] = []
  let texts: string[] = []
  let bytes = 0
  for (const queued of queue) {
    const text = JSON.stringify(queued.command)
    const size = Buffer.byteLength(text)
    if (commands.length > 0 && (commands.length === MAX_COMMANDS || bytes + size > MAX_REQUEST_BYTES)) {
      yield { commands, texts }
      commands = []
      texts = []
      bytes = 0
    }
    commands.push(queued)
    texts.push(text)
    bytes += size
  }
  if (commands.length > 0) yield { commands, texts }
}
