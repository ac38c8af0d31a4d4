import { InvalidOptionError } from '../core/errors.js'
import { checkFields, checkOneOf } from '../core/options.js'
import { type Duration, parseBytes, parseCount, parsePositiveDuration, type Size } from '../core/quantity.js'
import type { BreakerRules } from './breaker.js'
import { CODEC_NAMES, type CodecName, type CompressionRules, hasZstd, LEVELS } from './compression.js'
import { MAX_PARTITIONS } from './value-files.js'

/** Who stays when the oldest segment goes: nobody, what was used since it was written, or what was used most. */
export type DiskEviction = (typeof EVICTIONS)[number]
/** When a store is acknowledged: at once, when it would survive the process, when it would survive a power cut. */
export type Durability = (typeof DURABILITIES)[number]

export interface CompressionOptions {
  /** `'deflate'`, `'gzip'`, `'brotli'`, or `'zstd'` where Node has it (22.15, 23.8 and later). Default `'deflate'`. */
  readonly codec?: Exclude<CodecName, 'none'> | undefined
  /** Deflate and gzip 0 to 9, Brotli 0 to 11, zstd 1 to 22. Default 1. */
  readonly level?: number | undefined
  /** Smaller values are kept as they are. Default `'1kb'`. */
  readonly minBytes?: Size | undefined
}

export interface BreakerOptions {
  /** Failures within `window` that open it. Default 5. */
  readonly failureThreshold?: number | undefined
  /** Successes in a row that close it again. Default 3. */
  readonly successThreshold?: number | undefined
  /** How long it stays open before one call may try. Default `'30s'`. */
  readonly timeout?: Duration | undefined
  /** Default `'60s'`. */
  readonly window?: Duration | undefined
}

export interface DiskTierOptions {
  /** Where it lies; made if it is missing. One process writes to a directory at a time. */
  readonly directory: string
  /** Most bytes of values, keys and records: at least 1 MB. Default `'1gb'`. */
  readonly maxBytes?: Size | undefined
  /** Most entries, at up to 39 bytes of memory each. Default 1,000,000. */
  readonly maxEntries?: number | undefined
  /** Larger values are not kept. Default an eighth of `maxBytes`, at most `'256mb'`. */
  readonly maxEntryBytes?: Size | undefined
  /** Larger values get a file of their own. At most, and by default, `'512kb'` or a quarter of a segment. */
  readonly maxLogValueBytes?: Size | undefined
  /** `'log'`: small values together in segments (default). `'files'`: every value in a file of its own. */
  readonly layout?: 'log' | 'files' | undefined
  /** Directories for values' own files, 1 to 256. May be changed at any time. Default 16. */
  readonly partitions?: number | undefined
  /** Default `'lfu'`. */
  readonly eviction?: DiskEviction | undefined
  /** `'memory'`, `'written'` (default) or `'fsync'`. */
  readonly durability?: Durability | undefined
  /** Default `'none'`. */
  readonly compression?: 'none' | CompressionOptions | undefined
  /** Bytes being read and written at a time, and as many being packed; more waits. Default `'4mb'`. */
  readonly maxBytesInFlight?: Size | undefined
  /** For reads and for writes, each their own. */
  readonly breaker?: BreakerOptions | undefined
  /** If another process has the directory: `'throw'` (default), or use a sub-directory of one's own. */
  readonly whenLocked?: 'throw' | 'own-directory' | undefined
}

/** Options as they hold: checked, complete, frozen. */
export interface DiskRules {
  readonly directory: string
  readonly maxBytes: number
  readonly maxEntries: number
  readonly maxEntryBytes: number
  readonly segmentBytes: number
  /** 0: every value gets a file. */
  readonly maxLogValueBytes: number
  readonly partitions: number
  readonly eviction: DiskEviction
  readonly durability: Durability
  readonly compression: CompressionRules | undefined
  readonly maxBytesInFlight: number
  readonly breaker: BreakerRules
  readonly whenLocked: 'throw' | 'own-directory'
}

const EVICTIONS = ['fifo', 'lru', 'lfu'] as const
const DURABILITIES = ['memory', 'written', 'fsync'] as const
const KB = 1024
const MB = 1024 * KB
const LEAST_BYTES = MB
const LARGEST_ENTRY = 256 * MB
const LARGEST_IN_LOG = 512 * KB
/** More of them keep the budget fuller, fewer need fewer files: a segment and its hint are two. */
const USUAL_SEGMENTS = 32
const LEAST_SEGMENT = 128 * KB
const LARGEST_SEGMENT = 64 * MB
/** A log of a single segment cannot make room by dropping one. */
const LEAST_SEGMENTS = 8
const FIELDS = [
  'directory',
  'maxBytes',
  'maxEntries',
  'maxEntryBytes',
  'maxLogValueBytes',
  'layout',
  'partitions',
  'eviction',
  'durability',
  'compression',
  'maxBytesInFlight',
  'breaker',
  'whenLocked',
] as const satisfies (keyof DiskTierOptions)[]

export function checkDiskTierOptions(options: DiskTierOptions, path = 'diskTier'): DiskRules {
  checkFields(options, FIELDS, path)
  const at = (field: string): string => `${path}.${field}`
  const maxBytes = parseBytes(options.maxBytes ?? '1gb', at('maxBytes'))
  if (maxBytes < LEAST_BYTES) {
    throw new InvalidOptionError({ field: at('maxBytes'), value: options.maxBytes, rule: "must be at least '1mb'" })
  }
  const segmentBytes = Math.floor(
    Math.min(Math.max(maxBytes / USUAL_SEGMENTS, LEAST_SEGMENT), LARGEST_SEGMENT, maxBytes / LEAST_SEGMENTS),
  )
  const layout = checkOneOf(options.layout ?? 'log', ['log', 'files'], at('layout'))
  return Object.freeze({
    directory: checkDirectory(options.directory, at('directory')),
    maxBytes,
    maxEntries: parseCount(options.maxEntries ?? 1_000_000, at('maxEntries')),
    maxEntryBytes: atMost(
      options.maxEntryBytes,
      Math.floor(maxBytes / LEAST_SEGMENTS),
      LARGEST_ENTRY,
      at('maxEntryBytes'),
    ),
    segmentBytes,
    maxLogValueBytes:
      layout === 'files' ? 0 : checkLogValue(options.maxLogValueBytes, segmentBytes, at('maxLogValueBytes')),
    partitions: checkRange(options.partitions ?? 16, 1, MAX_PARTITIONS, at('partitions')),
    eviction: checkOneOf(options.eviction ?? 'lfu', EVICTIONS, at('eviction')),
    durability: checkOneOf(options.durability ?? 'written', DURABILITIES, at('durability')),
    compression: checkCompression(options.compression ?? 'none', at('compression')),
    maxBytesInFlight: parseBytes(options.maxBytesInFlight ?? '4mb', at('maxBytesInFlight')),
    breaker: checkBreaker(options.breaker ?? {}, at('breaker')),
    whenLocked: checkOneOf(options.whenLocked ?? 'throw', ['throw', 'own-directory'], at('whenLocked')),
  })
}

export function checkDirectory(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length > 0 && !value.includes('\0')) return value
  throw new InvalidOptionError({ field, value, rule: 'must be the path of a directory' })
}

function atMost(value: Size | undefined, usual: number, most: number, field: string): number {
  if (value === undefined) return Math.min(usual, most)
  const bytes = parseBytes(value, field)
  if (bytes > usual * 2 || bytes > most) {
    throw new InvalidOptionError({ field, value, rule: `must be at most ${Math.min(usual * 2, most)} bytes` })
  }
  return bytes
}

function checkLogValue(value: Size | undefined, segmentBytes: number, field: string): number {
  const most = Math.min(LARGEST_IN_LOG, Math.floor(segmentBytes / 4))
  if (value === undefined) return most
  const bytes = parseBytes(value, field)
  if (bytes > most) throw new InvalidOptionError({ field, value, rule: `must be at most ${most} bytes` })
  return bytes
}

function checkRange(value: unknown, least: number, most: number, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  throw new InvalidOptionError({ field, value, rule: `must be a whole number from ${least} to ${most}` })
}

function checkCompression(value: unknown, field: string): CompressionRules | undefined {
  if (value === 'none') return undefined
  const options = checkFields(value, ['codec', 'level', 'minBytes'], field) as CompressionOptions
  const names = CODEC_NAMES.filter((name) => name !== 'none')
  const codec = checkOneOf(options.codec ?? 'deflate', names, `${field}.codec`)
  if (codec === 'zstd' && !hasZstd()) {
    throw new InvalidOptionError({
      field: `${field}.codec`,
      value: codec,
      rule: "needs Node 22.15, 23.8 or later; 'deflate', 'gzip' and 'brotli' are there everywhere",
    })
  }
  return {
    codec,
    level: checkRange(options.level ?? 1, LEVELS[codec][0], LEVELS[codec][1], `${field}.level`),
    minBytes: parseBytes(options.minBytes ?? '1kb', `${field}.minBytes`),
  }
}

function checkBreaker(value: unknown, field: string): BreakerRules {
  const names = ['failureThreshold', 'successThreshold', 'timeout', 'window'] as const
  const options = checkFields(value, names, field) as BreakerOptions
  return {
    failureThreshold: parseCount(options.failureThreshold ?? 5, `${field}.failureThreshold`),
    successThreshold: parseCount(options.successThreshold ?? 3, `${field}.successThreshold`),
    timeoutMs: parsePositiveDuration(options.timeout ?? '30s', `${field}.timeout`),
    windowMs: parsePositiveDuration(options.window ?? '60s', `${field}.window`),
  }
}
