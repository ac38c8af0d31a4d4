/** The part of a client's socket that is needed to write later. */
export interface CorkableStream {
  readonly writableCorked: number
  cork(): void
  uncork(): void
}

/**
 * ioredis writes each command by itself. What is sent from here on to the end of the tick leaves in one write instead,
 * the user's own commands as well: a system call for each costs more than the command. A `pipeline` would do the same,
 * but every one of them lives, with all its replies, until the next full garbage collection.
 */
export function inOneWrite(stream: CorkableStream | undefined): void {
  if (stream === undefined || stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(uncork, stream)
}

function uncork(stream: CorkableStream): void {
  stream.uncork()
}
