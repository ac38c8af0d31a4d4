import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { SYNTHETIC_NAMES, syntheticTrace } from './synthetic-traces.mjs'

const KEYS = '.keys.u32.gz'
const SIZES = '.sizes.u32.gz'

/** Names of the traces in a directory; without one, of the seeded synthetic ones. */
export function traceNames(directory) {
  if (directory === undefined) return SYNTHETIC_NAMES
  const names = readdirSync(directory)
    .filter((file) => file.endsWith(KEYS))
    .map((file) => file.slice(0, -KEYS.length))
  if (names.length === 0) throw new Error(`${directory} has no file that ends in ${KEYS}.`)
  return names.sort()
}

/** Names of those that know how many bytes each key's value has. */
export function sizedTraceNames(directory) {
  if (directory === undefined) return SYNTHETIC_NAMES
  return traceNames(directory).filter((name) => existsSync(join(directory, name + SIZES)))
}

/**
 * Requests as dense key ids in their order, and sizes by id where they are known.
 *
 * @returns {{ name: string, keys: Uint32Array, unique: number, sizes: Uint32Array | undefined }}
 */
export function loadTrace(directory, name, options) {
  const { keys, sizes } = directory === undefined ? syntheticTrace(name, options) : readTrace(directory, name)
  // Ids are dense, so there are as many keys as the highest id says.
  return { name, keys, unique: 1 + keys.reduce((highest, key) => Math.max(highest, key), 0), sizes }
}

/** What reference implementations hit, by trace, entries and eviction; empty where the directory doesn't say. */
export function referenceHits(directory) {
  const file = directory === undefined ? '' : join(directory, 'reference-hits.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).traces : {}
}

function readTrace(directory, name) {
  const sizes = join(directory, name + SIZES)
  return {
    keys: readWords(join(directory, name + KEYS)),
    sizes: existsSync(sizes) ? readWords(sizes) : undefined,
  }
}

function readWords(file) {
  const bytes = gunzipSync(readFileSync(file))
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}
