import { linkSync, mkdirSync, readFileSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { CacheError } from '../core/errors.js'
import type { CancelTimer, Clock } from '../core/ports/clock.js'
import type { Random } from '../core/ports/random.js'

/** Sub-directories that processes of one directory may take. */
const MAX_OWN_DIRECTORIES = 64
/** How often an owner shows that it lives, and for how long it is believed to by those who cannot look at it. */
const BEAT_MS = 15_000
const BELIEVED_MS = 60_000

interface Owner {
  readonly pid: number
  readonly host: string
  /** Of this start of the machine; a container has its host's. */
  readonly boot: string
  /** When the process started, in the kernel's ticks: a number that was given anew is another process. */
  readonly started: string
  readonly token: string
}

/**
 * One writer a directory. The lock is a file that names its owner, linked into place so that it is there whole or not at
 * all; one of a dead process is taken over. Synchronous: a few calls when a cache is made.
 */
export class DirectoryLock {
  /** The given directory, or a sub-directory of one's own. */
  readonly directory: string
  /** What the file system said, if it could not be asked for the lock at all. */
  readonly error: unknown
  readonly #owner: Owner
  readonly #clock: Clock
  #cancelBeat: CancelTimer | undefined

  /** @throws CacheError `DISK_LOCKED` */
  constructor(
    { directory, whenLocked }: { directory: string; whenLocked: 'throw' | 'own-directory' },
    { clock, random }: { clock: Clock; random: Random },
  ) {
    this.#clock = clock
    this.#owner = { ...thisProcess(), token: random.fillId() }
    const wanted = resolve(directory)
    let taken: { directory: string; holder: number | undefined } = { directory: wanted, holder: undefined }
    try {
      taken = this.#take(wanted, whenLocked === 'own-directory' ? MAX_OWN_DIRECTORIES : 1)
    } catch (error) {
      this.error = error
    }
    this.directory = taken.directory
    if (taken.holder !== undefined) throw lockedError(wanted, taken.holder)
    if (this.error === undefined) this.#beat()
  }

  get #path(): string {
    return join(this.directory, 'LOCK')
  }

  get isOurs(): boolean {
    return readOwner(this.#path)?.token === this.#owner.token
  }

  /** Takes it again if it is gone, with the directory or without. False: somebody else has it. */
  keep(): boolean {
    if (this.isOurs) return true
    try {
      mkdirSync(this.directory, { recursive: true })
      return this.#lock(this.#path) === undefined
    } catch {
      // A disk that cannot be written to: nobody else took it either.
      return readOwner(this.#path) === undefined
    }
  }

  release(): void {
    this.#cancelBeat?.()
    try {
      if (this.isOurs) unlinkSync(this.#path)
    } catch {}
  }

  #take(wanted: string, tries: number): { directory: string; holder: number | undefined } {
    let holder: number | undefined
    for (let number = 1; number <= tries; number++) {
      const directory = number === 1 ? wanted : join(wanted, `process-${number}`)
      mkdirSync(directory, { recursive: true })
      holder = this.#lock(join(directory, 'LOCK'))
      if (holder === undefined) return { directory, holder }
    }
    return { directory: wanted, holder }
  }

  /** Undefined if it is ours now, else the process that has it. */
  #lock(path: string): number | undefined {
    const own = `${path}.${this.#owner.token}`
    writeFileSync(own, JSON.stringify(this.#owner))
    try {
      for (let attempt = 0; attempt < 5; attempt++) {
        try {
          linkSync(own, path)
          return undefined
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
        const holder = readOwner(path)
        if (holder && this.#isAlive(holder, path)) return holder.pid
        this.#removeStale(path, holder)
      }
      return readOwner(path)?.pid ?? 0
    } finally {
      unlinkSync(own)
    }
  }

  #isAlive(holder: Owner, path: string): boolean {
    const { host, boot } = this.#owner
    if (holder.boot !== boot && holder.host === host) return false
    if (holder.host !== host) return this.#clock.wallNow() - modifiedMs(path) < BELIEVED_MS
    try {
      process.kill(holder.pid, 0)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    }
    return holder.started === '' || startOf(holder.pid) === holder.started
  }

  /** Moves it aside, and back if it was not the one that was judged dead: somebody else may have been quicker. */
  #removeStale(path: string, judged: Owner | undefined): void {
    const aside = `${path}.${this.#owner.token}.stale`
    try {
      renameSync(path, aside)
    } catch {
      return
    }
    if (readOwner(aside)?.token !== judged?.token) {
      try {
        linkSync(aside, path)
      } catch {}
    }
    unlinkSync(aside)
  }

  #beat(): void {
    this.#cancelBeat = this.#clock.setHousekeepingTimer(() => {
      const now = this.#clock.wallNow() / 1000
      try {
        utimesSync(this.#path, now, now)
      } catch {}
      this.#beat()
    }, BEAT_MS)
  }
}

function thisProcess(): Omit<Owner, 'token'> {
  return { pid: process.pid, host: hostname(), boot: bootId(), started: startOf(process.pid) }
}

/** Names this start of the machine, where the system tells. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** '' where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in the second field may hold spaces and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Owner
    return Number.isSafeInteger(owner?.pid) && typeof owner.token === 'string' ? owner : undefined
  } catch {
    return undefined
  }
}

function modifiedMs(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}

function lockedError(directory: string, pid: number): CacheError {
  return new CacheError(
    'DISK_LOCKED',
    `Directory '${directory}' is in use by process ${pid}. Give each process a directory of its own, or set ` +
      "whenLocked: 'own-directory'.",
  )
}
