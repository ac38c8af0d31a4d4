import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecoveredSegment } from './recover.js'
import { openFile, Segment, segmentName, syncDirectory } from './segment.js'

/** The segments of a log, by age and by the slot that the index names them by. */
export class SegmentSet {
  readonly #directory: string
  readonly #slots: (Segment | undefined)[] = []
  /** Oldest first. */
  #order: Segment[] = []
  /** On their way out, each with who waits for it. */
  readonly #leaving = new Map<Segment, (isGone: boolean) => void>()
  /** Files that are being unlinked. */
  readonly #removing = new Set<Promise<boolean>>()
  #lastId = 0
  /** False: files were begun or removed since the directory was synced. */
  #isListed = true

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Takes over what lay there. */
  async adopt(segments: readonly RecoveredSegment[]): Promise<void> {
    for (const found of segments) {
      const path = join(this.#directory, segmentName(found.id))
      const fd = await openFile(path, 'r')
      const segment = new Segment({ id: found.id, slot: found.slot, path, fd }, found.bytes)
      const { liveBytes, fileBytes, hasBarrier } = found
      Object.assign(segment, { liveBytes, fileBytes, hasBarrier })
      this.#slots[found.slot] = segment
      this.#order.push(segment)
      this.#lastId = Math.max(this.#lastId, found.id)
    }
  }

  at(slot: number): Segment | undefined {
    return this.#slots[slot]
  }

  /** Oldest first. */
  get all(): readonly Segment[] {
    return this.#order
  }

  get bytes(): number {
    let bytes = 0
    for (const segment of this.#order) bytes += segment.bytes
    return bytes
  }

  /** Without those on their way out. */
  get keptBytes(): number {
    let bytes = this.bytes
    for (const segment of this.#leaving.keys()) bytes -= segment.bytes
    return bytes
  }

  /** False once it is on its way out. */
  keeps(segment: Segment): boolean {
    return this.#slots[segment.slot] === segment && !this.#leaving.has(segment)
  }

  /** A new one, in its own file. */
  async begin(): Promise<Segment> {
    const id = ++this.#lastId
    const path = join(this.#directory, segmentName(id))
    const fd = await openFile(path, 'wx+').catch(async (error: NodeJS.ErrnoException) => {
      // Something foreign has the name.
      if (error.code === 'EEXIST') return undefined
      if (error.code !== 'ENOENT') throw error
      // Somebody removed the directory under us.
      await mkdir(this.#directory, { recursive: true })
      return openFile(path, 'wx+')
    })
    if (fd === undefined) return this.begin()
    let slot = this.#slots.indexOf(undefined)
    if (slot < 0) slot = this.#slots.length
    const segment = new Segment({ id, slot, path, fd }, 0)
    this.#isListed = false
    this.#slots[slot] = segment
    this.#order.push(segment)
    return segment
  }

  /** Removed with the next `removeLeaving`; resolves when its file is gone, or false if the disk keeps it. */
  dropLater(segment: Segment): Promise<boolean> {
    if (!this.keeps(segment)) return Promise.resolve(true)
    return new Promise((resolve) => this.#leaving.set(segment, resolve))
  }

  removeLeaving(): void {
    if (this.#leaving.size === 0) return
    for (const [segment, resolve] of [...this.#leaving]) {
      this.#leaving.delete(segment)
      void this.remove(segment).then(resolve)
    }
  }

  /** Once each: its descriptor's number and its slot may soon be another's. */
  async remove(segment: Segment): Promise<boolean> {
    if (this.#slots[segment.slot] !== segment) return true
    this.#order = this.#order.filter((other) => other !== segment)
    this.#slots[segment.slot] = undefined
    this.#isListed = false
    const removing = segment.leave({ remove: true })
    this.#removing.add(removing)
    const isGone = await removing
    this.#removing.delete(removing)
    return isGone
  }

  /** False: a power cut may bring back what was removed or cut off. */
  get isSynced(): boolean {
    return this.#isListed && this.#order.every(({ isSynced }) => isSynced)
  }

  /** What was written, cut off and removed so far survives a power cut. */
  async sync(): Promise<void> {
    await Promise.all(this.#order.map((segment) => segment.sync()))
    if (this.#isListed) return
    this.#isListed = true
    try {
      await Promise.all(this.#removing)
      await syncDirectory(this.#directory)
    } catch (error) {
      this.#isListed = false
      throw error
    }
  }

  /** Whoever opens the directory next finds what it says. */
  async close(): Promise<void> {
    this.removeLeaving()
    await Promise.all(this.#removing)
    await Promise.all(this.#order.map((segment) => segment.leave({ remove: segment.bytes === 0 })))
    this.#order = []
    this.#slots.length = 0
  }
}
