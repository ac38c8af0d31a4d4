import { Readable } from 'node:stream'
import * as zlib from 'node:zlib'
import { Gate } from './gate.js'

/** How a stored value is packed. The numbers stand in records. */
const CODECS = { none: 0, deflate: 1, gzip: 2, brotli: 3, zstd: 4 } as const
export type CodecName = keyof typeof CODECS
export const CODEC_NAMES = Object.keys(CODECS) as CodecName[]

/** Smaller is done at once: a trip to the thread pool costs more than the work. */
export const SYNC_BYTES = 16 * 1024
/** Larger goes through in pieces. */
export const STREAM_BYTES = 1024 * 1024
const PIECE_BYTES = 64 * 1024
/**
 * After each chunk of output zlib comes back to the event loop and waits for a thread anew, and on a machine with few cores
 * keeps reads from theirs. Most values fit one of this size.
 */
const PACKED_CHUNK = 256 * 1024
const SAMPLE_BYTES = 4096
/** Less is not worth unpacking it at every read. */
const LEAST_RATIO = 1.1

export interface CompressionRules {
  readonly codec: Exclude<CodecName, 'none'>
  readonly level: number
  readonly minBytes: number
}

export interface Packed {
  readonly codec: number
  readonly bytes: Buffer
}

/** A codec's three ways. `zstd` is there on Node 22.15, 23.8 and later. */
interface Codec {
  packSync(bytes: Buffer, level: number): Buffer
  pack(bytes: Buffer, level: number): Promise<Buffer>
  packStream(level: number): zlib.Deflate
  unpackSync(bytes: Buffer, rawBytes: number): Buffer
  unpack(bytes: Buffer, rawBytes: number): Promise<Buffer>
  unpackStream(): zlib.Deflate
}

type Zlib = Record<string, (...args: unknown[]) => unknown>

function codecOf(
  names: { pack: string; unpack: string; packStream: string; unpackStream: string },
  optionsFor: (level: number) => object,
): Codec {
  const library = zlib as unknown as Zlib
  const call = (name: string, bytes: Buffer, options?: object): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      library[name]!(bytes, options ?? {}, (error: Error | null, packed: Buffer) =>
        error ? reject(error) : resolve(packed),
      )
    })
  return {
    packSync: (bytes, level) => library[`${names.pack}Sync`]!(bytes, optionsFor(level)) as Buffer,
    pack: (bytes, level) => call(names.pack, bytes, { ...optionsFor(level), chunkSize: PACKED_CHUNK }),
    packStream: (level) => library[names.packStream]!(optionsFor(level)) as zlib.Deflate,
    unpackSync: (bytes, rawBytes) => library[`${names.unpack}Sync`]!(bytes, inOneChunk(rawBytes)) as Buffer,
    unpack: (bytes, rawBytes) => call(names.unpack, bytes, inOneChunk(rawBytes)),
    unpackStream: () => library[names.unpackStream]!() as zlib.Deflate,
  }
}

/** A full chunk would ask for a second one. */
function inOneChunk(rawBytes: number): { chunkSize: number } {
  return { chunkSize: rawBytes + 64 }
}

const constants = zlib.constants as Record<string, number>
const WAYS: Readonly<Record<number, Codec | undefined>> = {
  [CODECS.deflate]: codecOf(
    {
      pack: 'deflateRaw',
      unpack: 'inflateRaw',
      packStream: 'createDeflateRaw',
      unpackStream: 'createInflateRaw',
    },
    (level) => ({ level }),
  ),
  [CODECS.gzip]: codecOf(
    { pack: 'gzip', unpack: 'gunzip', packStream: 'createGzip', unpackStream: 'createGunzip' },
    (level) => ({ level }),
  ),
  [CODECS.brotli]: codecOf(
    {
      pack: 'brotliCompress',
      unpack: 'brotliDecompress',
      packStream: 'createBrotliCompress',
      unpackStream: 'createBrotliDecompress',
    },
    (level) => ({ params: { [constants.BROTLI_PARAM_QUALITY!]: level } }),
  ),
  ...(hasZstd() && {
    [CODECS.zstd]: codecOf(
      {
        pack: 'zstdCompress',
        unpack: 'zstdDecompress',
        packStream: 'createZstdCompress',
        unpackStream: 'createZstdDecompress',
      },
      (level) => ({ params: { [constants.ZSTD_c_compressionLevel!]: level } }),
    ),
  }),
}

/** Levels that each codec knows. */
export const LEVELS = { deflate: [0, 9], gzip: [0, 9], brotli: [0, 11], zstd: [1, 22] } as const

export function hasZstd(): boolean {
  return typeof (zlib as unknown as Zlib).zstdCompress === 'function'
}

/** A pool that compresses without a bound starves every file read behind it: one at a time costs no throughput. */
const pool = new Gate(1)

/** The packed value, or undefined if it is better kept as it is. Small values come back at once. */
export function pack(value: Buffer, rules: CompressionRules): Packed | undefined | Promise<Packed | undefined> {
  if (value.length < rules.minBytes) return undefined
  if (value.length <= SYNC_BYTES) return packNow(value, rules)
  const codec = CODECS[rules.codec]
  const way = WAYS[codec]!
  const sample = value.subarray(0, SAMPLE_BYTES)
  if (sample.length / way.packSync(sample, Math.min(1, rules.level)).length < LEAST_RATIO) return undefined
  return pool
    .run(1, () => (value.length <= STREAM_BYTES ? way.pack(value, rules.level) : packInPieces(way, value, rules.level)))
    .then((bytes) => ifWorth(value, { codec, bytes }))
}

/** As `pack`, in this turn of the loop: for values up to `SYNC_BYTES`. */
export function packNow(value: Buffer, { codec: name, level }: CompressionRules): Packed | undefined {
  const codec = CODECS[name]
  return ifWorth(value, { codec, bytes: WAYS[codec]!.packSync(value, level) })
}

function ifWorth(value: Buffer, packed: Packed): Packed | undefined {
  return value.length / packed.bytes.length < LEAST_RATIO ? undefined : packed
}

async function packInPieces(way: Codec, value: Buffer, level: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of inPieces(value).compose(way.packStream(level))) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

function inPieces(value: Buffer): Readable {
  return Readable.from(
    (function* () {
      for (let from = 0; from < value.length; from += PIECE_BYTES) yield value.subarray(from, from + PIECE_BYTES)
    })(),
    { objectMode: false },
  )
}

/** Undoes `pack`. Rejects for bytes that are not what they say, and for codecs that this Node lacks. */
export function unpack(codec: number, bytes: Buffer, rawBytes: number): Buffer | Promise<Buffer> {
  if (codec === CODECS.none) return bytes
  const way = WAYS[codec]
  if (way === undefined) throw new TypeError(`codec ${codec} is not known here`)
  if (rawBytes <= SYNC_BYTES) return checkLength(way.unpackSync(bytes, rawBytes), rawBytes)
  return pool.run(1, async () =>
    checkLength(
      rawBytes <= STREAM_BYTES ? await way.unpack(bytes, rawBytes) : await unpackInPieces(way, bytes, rawBytes),
      rawBytes,
    ),
  )
}

async function unpackInPieces(way: Codec, bytes: Buffer, rawBytes: number): Promise<Buffer> {
  const raw = Buffer.allocUnsafe(rawBytes)
  let at = 0
  for await (const piece of inPieces(bytes).compose(way.unpackStream())) at += (piece as Buffer).copy(raw, at)
  return raw.subarray(0, at)
}

function checkLength(raw: Buffer, rawBytes: number): Buffer {
  if (raw.length !== rawBytes) throw new TypeError(`a value of ${rawBytes} bytes unpacked to ${raw.length}`)
  return raw
}
