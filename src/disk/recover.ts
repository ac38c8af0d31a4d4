import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DiskIndex, type IndexParts } from './disk-index.js'
import { type FileRef, type HintRow, HintRows, rowsIn } from './hint.js'
import { BARRIER, ENTRY, NOTE, SOFTENED, TOMBSTONE } from './record.js'
import { scanSegment } from './scan.js'
import { HINT_NAME, hintPath, segmentName, segmentsIn } from './segment.js'

/** What lies in a directory, as the store that opens it needs it. */
export interface Recovered {
  readonly index: IndexParts
  readonly segments: readonly RecoveredSegment[]
  /** The files that entries name, each with its entry's hash. */
  readonly files: readonly { readonly low: number; readonly high: number; readonly file: FileRef }[]
  /** Of the records of notes. */
  readonly noteBytes: number
  readonly lastSequence: number
  readonly damaged: number
  /** Segments that had to be read whole, because they had no good hint. */
  readonly scanned: number
  /** Names of what is called like a segment or a hint and is none: left alone. */
  readonly foreign: readonly string[]
}

export interface RecoveredSegment {
  readonly id: number
  readonly slot: number
  readonly bytes: number
  readonly liveBytes: number
  readonly fileBytes: number
  readonly hasBarrier: boolean
}

/** Exists while room is made on a full disk: notes may be missing, so that nothing may be believed. */
export const HEALING = 'HEALING'

/** Room that hints may ask for before they were read: 126 MB. For more entries the index grows. */
const MAX_EXPECTED = 4_000_000

/**
 * Builds the index from hints, and from the segments themselves where a hint is missing; writes the hints that were
 * missing. Synchronous, because it runs in the maintenance worker.
 */
export function recover(directory: string, seed: number): Recovered {
  const log = join(directory, 'log')
  mkdirSync(log, { recursive: true })
  mkdirSync(join(directory, 'files'), { recursive: true })
  discardIfHealing(directory, log)
  const { ids, foreign } = segmentsIn(log)
  discardOrphans(log, ids)
  // Growing as it is filled would take longer than all the rest.
  const index = new DiskIndex(seed, Math.min(rowsOfHints(log, ids), MAX_EXPECTED))
  const files = new Map<number, { low: number; high: number; file: FileRef }>()
  const found: Mutable<RecoveredSegment>[] = []
  let lastSequence = 0
  let damaged = 0
  let scanned = 0
  let noteBytes = 0
  for (const id of ids) {
    const path = join(log, segmentName(id))
    const { size } = statSync(path)
    if (size === 0) {
      unlinkSync(path)
      continue
    }
    let rows = readHint(path, size)
    if (rows === undefined) {
      const scan = scanSegment(readFileSync(path))
      scanned++
      damaged += scan.damaged
      rows = scan.rows
      writeHint(path, rows, size)
    }
    const slot = found.length
    const segment = { id, slot, bytes: size, liveBytes: 0, fileBytes: 0, hasBarrier: false }
    found.push(segment)
    for (const row of rows) {
      lastSequence = Math.max(lastSequence, row.sequence)
      // Cut off since: what it stood for lies in a newer segment, or is gone.
      const isGone = row.offset + row.length > size
      if (!isGone) segment.fileBytes += row.file?.bytes ?? 0
      if (row.type === BARRIER) segment.hasBarrier = true
      replay(index, files, isGone && row.type === ENTRY ? { ...row, type: TOMBSTONE } : row, slot)
    }
  }
  index.fit()
  const liveFiles = [...files.values()].filter(({ low, high }) => index.find(low, high))
  index.forEach((row) => {
    found[row.segment]!.liveBytes += row.length
    if (row.flags & NOTE) noteBytes += row.length
  })
  for (const { low, high, file } of liveFiles) {
    if (index.find(low, high)) found[index.segment]!.liveBytes += file.bytes
  }
  return { index: index.parts(), segments: found, files: liveFiles, noteBytes, lastSequence, damaged, scanned, foreign }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** One key for the two halves of a hash: what does not fit is left out, which costs a miss once in 2^53. */
export function fileKey(low: number, high: number): number {
  return high * 0x20_0000 + (low & 0x1f_ffff)
}

function replay(
  index: DiskIndex,
  files: Map<number, { low: number; high: number; file: FileRef }>,
  row: HintRow,
  slot: number,
): void {
  const { low, high, offset, length, expiresAt, flags, file } = row
  switch (row.type) {
    case ENTRY:
      index.put(low, high, { segment: slot, offset, length, expiresAt, flags })
      if (file) files.set(fileKey(low, high), { low, high, file })
      else files.delete(fileKey(low, high))
      return
    case TOMBSTONE:
      if (index.find(low, high)) index.remove()
      files.delete(fileKey(low, high))
      return
    case SOFTENED:
      if (index.find(low, high)) index.soften(expiresAt)
      return
    case BARRIER: {
      const doomed: [number, number][] = []
      index.forEach((entry, ...hash) => {
        if (!(entry.flags & NOTE)) doomed.push(hash)
      })
      for (const hash of doomed) if (index.find(...hash)) index.remove()
      files.clear()
    }
  }
}

/** Bytes that opening a directory has to read. */
export function bytesToRecover(directory: string): number {
  const log = join(directory, 'log')
  let bytes = 0
  for (const id of segmentsIn(log).ids) {
    const path = join(log, segmentName(id))
    const hint = statSync(hintPath(path), { throwIfNoEntry: false })
    bytes += hint?.size ?? statSync(path, { throwIfNoEntry: false })?.size ?? 0
  }
  return bytes
}

function rowsOfHints(log: string, ids: readonly number[]): number {
  let rows = 0
  for (const id of ids) {
    const hint = statSync(hintPath(join(log, segmentName(id))), { throwIfNoEntry: false })
    rows += rowsIn(hint?.size ?? 0)
  }
  return rows
}

function readHint(segmentPath: string, segmentBytes: number): HintRows | undefined {
  try {
    return HintRows.decode(readFileSync(hintPath(segmentPath)), segmentBytes)
  } catch {
    return undefined
  }
}

/** A hint only makes the next opening quicker: a full or read-only disk does without. */
function writeHint(segmentPath: string, rows: HintRows, segmentBytes: number): void {
  const path = hintPath(segmentPath)
  try {
    writeFileSync(`${path}.tmp`, rows.encode(segmentBytes))
    renameSync(`${path}.tmp`, path)
  } catch {}
}

/**
 * A hint outlives its segment if a kill comes between the two; the next segment of that name is another one. And hints that
 * were not whole yet: not later, when the store writes its own.
 */
function discardOrphans(log: string, ids: readonly number[]): void {
  const known = new Set(ids.map((id) => hintPath(segmentName(id))))
  for (const entry of readdirSync(log, { withFileTypes: true })) {
    const { name } = entry
    const isOrphan = HINT_NAME.test(name.replace(/\.tmp$/, '')) && !known.has(name)
    if (isOrphan && entry.isFile()) unlinkSync(join(log, name))
  }
}

function discardIfHealing(directory: string, log: string): void {
  const names = readdirSync(directory)
  if (!names.includes(HEALING)) return
  for (const entry of readdirSync(log, { withFileTypes: true })) if (entry.isFile()) unlinkSync(join(log, entry.name))
  unlinkSync(join(directory, HEALING))
}
