import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { syntheticTraces } from './synthetic-traces.mjs'

/**
 * Request traces: dense key ids in request order, and hits of reference implementations where they are known. From
 * `directory` (files `NAME.keys.u32.gz`, `reference-hits.json`), else seeded synthetic ones.
 *
 * @returns {{ from: string, traces: { name: string, keys: Uint32Array, unique: number, reference: object | undefined }[] }}
 */
export function loadTraces(directory) {
  if (directory === undefined || !existsSync(directory)) {
    return {
      from: 'synthetic',
      traces: syntheticTraces().map((trace) => withUnique({ ...trace, reference: undefined })),
    }
  }
  const referenceFile = join(directory, 'reference-hits.json')
  const references = existsSync(referenceFile) ? JSON.parse(readFileSync(referenceFile, 'utf8')).traces : {}
  const suffix = '.keys.u32.gz'
  const names = readdirSync(directory)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort()
  if (names.length === 0) throw new Error(`${directory} has no file that ends in ${suffix}.`)
  const traces = names.map((name) =>
    withUnique({ name, keys: readWords(join(directory, name + suffix)), reference: references[name] }),
  )
  return { from: directory, traces }
}

function readWords(file) {
  const bytes = gunzipSync(readFileSync(file))
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

/** Ids are dense, so there are as many keys as the highest id says. */
function withUnique(trace) {
  let highest = 0
  for (const key of trace.keys) if (key > highest) highest = key
  return { ...trace, unique: highest + 1 }
}
