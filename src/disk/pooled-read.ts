import { read } from 'node:fs'

/** Reads that the pool's threads work on at a time. */
const AT_ONCE = 4

type Done = (error: NodeJS.ErrnoException | null, count: number) => void

interface Waiting {
  readonly fd: number
  readonly into: Buffer
  readonly offset: number
  readonly done: Done
}

/** Of this process, as the pool is. */
let underWay = 0
let waiting: Waiting[] = []

/**
 * Fills the buffer from `offset` on, as far as the file goes. To wake a thread of the pool costs more than a read of what
 * lies in the page cache. Therefore reads beyond those that it is busy with are handed over together at the end of the
 * turn: a thread that is awake then finds one after the other.
 */
export function pooledRead(fd: number, into: Buffer, offset: number, done: Done): void {
  if (underWay < AT_ONCE && waiting.length === 0) start({ fd, into, offset, done })
  else if (waiting.push({ fd, into, offset, done }) === 1) setImmediate(startAll)
}

function startAll(): void {
  const ready = waiting
  waiting = []
  for (const one of ready) start(one)
}

function start({ fd, into, offset, done }: Waiting): void {
  underWay++
  read(fd, into, 0, into.length, offset, (error, count) => {
    underWay--
    done(error, count)
  })
}
