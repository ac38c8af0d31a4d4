import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENTRY, HAS_FILE, keyOf, readHead, valueAt } from './record.js'
import { scanSegment } from './scan.js'
import { segmentName, segmentsIn } from './segment.js'
import { ValueFiles } from './value-files.js'

/** What lies in a directory, every byte of it read. */
export interface Inspection {
  readonly segments: number
  readonly records: number
  readonly files: number
  readonly bytes: number
  /** Places that cannot be read as they were written: one sentence each, at most a thousand. */
  readonly faults: readonly string[]
}

const MAX_FAULTS = 1000

/** Reads all segments and the files they name. Changes nothing. */
export async function inspect(directory: string): Promise<Inspection> {
  const log = join(directory, 'log')
  const files = new ValueFiles(join(directory, 'files'), { syncs: false })
  const faults: string[] = []
  const fault = (sentence: string): void => {
    if (faults.length < MAX_FAULTS) faults.push(sentence)
  }
  const counts = { segments: 0, records: 0, files: 0, bytes: 0 }
  const { ids, foreign } = segmentsIn(log)
  for (const name of foreign) fault(`${name}: not a file, left alone`)
  /** Only the newest record of a key must have its file. */
  const named = new Map<string, { path: string; bytes: number }>()
  for (const id of ids) {
    const name = segmentName(id)
    const bytes = readFileSync(join(log, name))
    counts.segments++
    counts.bytes += bytes.length
    const scan = scanSegment(bytes)
    if (scan.damaged > 0) fault(`${name}: ${scan.damaged} damaged record${scan.damaged === 1 ? '' : 's'}`)
    let end = 0
    for (const row of scan.rows) {
      if (row.length === 0) continue
      counts.records++
      end = row.offset + row.length
      const head = readHead(bytes, row.offset)!
      const key = keyOf(bytes, row.offset, head)
      named.delete(key)
      if (row.type !== ENTRY || !(head.flags & HAS_FILE) || row.file === undefined) continue
      if (valueAt(bytes, row.offset, head) === undefined) continue
      named.set(key, { path: files.path(row.low, row.high, row.file), bytes: row.file.bytes })
    }
    if (end < bytes.length && scan.damaged === 0) fault(`${name}: torn after ${end} of ${bytes.length} bytes`)
  }
  for (const [key, { path, bytes }] of named) {
    counts.files++
    counts.bytes += bytes
    const content = await files.read(path, bytes)
    if (content === 'damaged' || content?.key !== key) fault(`${path.slice(directory.length + 1)}: missing or damaged`)
  }
  return { ...counts, faults }
}
