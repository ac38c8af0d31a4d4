import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Segment } from '../../src/disk/segment.js'

/** What is removed or cut off without a sync may be so after a power cut, or not. */
export type Removals = 'done' | 'undone'

/**
 * One store on a disk whose power may be cut at any moment: of the log's files those bytes count that were there when they
 * were synced; of all files those whose directory was synced since they were begun.
 */
export class PowerCuts {
  readonly #log: string
  readonly #files: string
  readonly #original: Pick<typeof Segment.prototype, 'sync' | 'cut' | 'leave'>
  readonly #handles: FileHandle
  readonly #syncHandle: FileHandle['sync']
  /** Bytes of a file that are on the disk itself, by its name. */
  readonly #synced = new Map<string, number>()
  /** Names that are on the disk itself, by directory. */
  readonly #listed = new Map<string, readonly string[]>()
  /** What the disk itself still has of files that were removed or cut. */
  readonly #undone = new Map<string, Buffer>()

  private constructor(directory: string, handle: FileHandle) {
    this.#log = join(directory, 'v1/log')
    this.#files = join(directory, 'v1/files')
    const { sync, cut, leave } = Segment.prototype
    this.#original = { sync, cut, leave }
    this.#handles = Object.getPrototypeOf(handle) as FileHandle
    this.#syncHandle = this.#handles.sync
  }

  /** From now on, until `end`. `onGiven`: right after a segment was removed or cut off, before anything else happens. */
  static async watch(directory: string, onGiven: (segment: Segment) => void = () => {}): Promise<PowerCuts> {
    const handle = await open(directory, 'r')
    await handle.close()
    const cuts = new PowerCuts(directory, handle)
    cuts.#begin(onGiven)
    return cuts
  }

  #begin(onGiven: (segment: Segment) => void): void {
    const cuts = this
    const { sync, cut, leave } = this.#original
    Segment.prototype.sync = async function (this: Segment) {
      const { size } = statSync(this.path)
      await sync.call(this)
      cuts.#synced.set(basename(this.path), size)
      cuts.#undone.delete(basename(this.path))
    }
    Segment.prototype.cut = function (this: Segment, bytes) {
      cuts.#remember(this)
      truncateSync(this.path, bytes)
      onGiven(this)
      return cut.call(this, bytes)
    }
    Segment.prototype.leave = function (this: Segment, { remove }) {
      if (remove) {
        cuts.#remember(this)
        unlinkSync(this.path)
        onGiven(this)
      }
      return leave.call(this, { remove })
    }
    this.#handles.sync = async function (this: FileHandle) {
      const { ino } = await this.stat()
      const path = cuts.#directories().find((directory) => statSync(directory).ino === ino)!
      const names = readdirSync(path)
      await cuts.#syncHandle.call(this)
      cuts.#listed.set(path, names)
      if (path !== cuts.#log) return
      for (const name of cuts.#undone.keys()) if (!names.includes(name)) cuts.#undone.delete(name)
    }
  }

  #directories(): string[] {
    return [this.#log, this.#files, ...readdirSync(this.#files).map((name) => join(this.#files, name))]
  }

  #remember({ path }: Segment): void {
    const name = basename(path)
    if (!this.#undone.has(name)) this.#undone.set(name, readFileSync(path).subarray(0, this.#synced.get(name) ?? 0))
  }

  /** True if there is a file that a power cut at this moment would bring back, or make as long as it was. */
  mayUndo(how: 'removed' | 'cut'): boolean {
    return [...this.#undone.keys()].some((name) => existsSync(join(this.#log, name)) === (how === 'cut'))
  }

  /** What a power cut at this moment would leave, without hints, in another directory. */
  leave(copy: string, removals: Removals): string {
    const log = join(copy, 'v1/log')
    const files = join(copy, 'v1/files')
    this.#copyListed(this.#log, log, /\.log$/)
    for (const name of readdirSync(log)) {
      const path = join(log, name)
      truncateSync(path, Math.min(this.#synced.get(name) ?? 0, statSync(path).size))
    }
    for (const partition of this.#listed.get(this.#files) ?? []) {
      this.#copyListed(join(this.#files, partition), join(files, partition), /\.value$/)
    }
    if (removals === 'undone') for (const [name, bytes] of this.#undone) writeFileSync(join(log, name), bytes)
    return copy
  }

  #copyListed(from: string, to: string, wanted: RegExp): void {
    mkdirSync(to, { recursive: true })
    for (const name of this.#listed.get(from) ?? []) {
      if (wanted.test(name) && existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name))
    }
  }

  end(): void {
    Object.assign(Segment.prototype, this.#original)
    this.#handles.sync = this.#syncHandle
  }
}
