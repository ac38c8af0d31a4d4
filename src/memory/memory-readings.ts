import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/** What V8 holds, and how much its old generation may. Read every so many stores: 2 µs. */
export interface HeapReading {
  /** What waits in the young generation: up to half a small heap since V8 13, and part of it is promoted at once. */
  readonly youngBytes: number
  /** Objects of the old generation, those included that nobody needs any more. */
  readonly usedBytes: number
  /** The pages that they are on: what V8 holds against its limit. */
  readonly committedBytes: number
  readonly limitBytes: number
}

/** Where the memory tier learns how short memory is. */
export interface MemoryReadings {
  heap(): HeapReading
  /** Resident memory of the process. */
  rssBytes(): number
  /** What the process may have: by its control group, else the machine's memory. */
  readonly rssLimitBytes: number
}

const MB = 1024 * 1024
/** The largest semi-space, where V8 is not told: before version 13, and since. */
const SEMI_SPACE_BYTES = { older: 16 * MB, newer: 64 * MB }
/** Where V8 chooses all sizes by the machine's memory, the young generation is less than this share of the limit. */
const MOST_YOUNG = 1 / 8
const MIN_LIMIT_BYTES = 16 * MB

/** The readings of this process. The limit of its control group is read once, now. */
export function processReadings(): MemoryReadings {
  // The command line has the last word.
  const flags = [...(process.env.NODE_OPTIONS ?? '').split(/\s+/), ...process.execArgv]
  const v8 = Number.parseInt(process.versions.v8, 10)
  const limitBytes = oldGenerationLimit({ heapLimitBytes: getHeapStatistics().heap_size_limit, flags, v8 })
  return {
    heap: () => {
      let youngBytes = 0
      let usedBytes = 0
      let committedBytes = 0
      for (const space of getHeapSpaceStatistics()) {
        if (space.space_name.startsWith('new_')) {
          youngBytes += space.space_used_size
        } else {
          usedBytes += space.space_used_size
          committedBytes += space.space_size
        }
      }
      return { youngBytes, usedBytes, committedBytes, limitBytes }
    },
    rssBytes: () => process.memoryUsage.rss(),
    rssLimitBytes: Math.min(cgroupLimitBytes() ?? Infinity, totalmem()),
  }
}

/**
 * What V8's old generation may take: when that is full, the process runs out of memory. The heap's limit counts the young
 * generation as well, as three semi-spaces of the largest size, however small they are.
 */
export function oldGenerationLimit(heap: { heapLimitBytes: number; flags: readonly string[]; v8: number }): number {
  const { heapLimitBytes, flags, v8 } = heap
  const told = (name: string): number | undefined => {
    const values = flags.flatMap((flag) => {
      const [given, value] = flag.replaceAll('_', '-').split('=')
      return given === `--${name}` && Number(value) > 0 ? [Number(value)] : []
    })
    return values.at(-1)
  }
  const oldMb = told('max-old-space-size')
  if (oldMb !== undefined) return Math.max(MIN_LIMIT_BYTES, Math.min(oldMb * MB, heapLimitBytes))
  const semiMb = told('max-semi-space-size')
  const semiBytes = semiMb !== undefined ? semiMb * MB : v8 < 13 ? SEMI_SPACE_BYTES.older : SEMI_SPACE_BYTES.newer
  const isChosenByMemory = semiMb === undefined && told('max-old-space-size-percentage') === undefined
  const most = isChosenByMemory ? heapLimitBytes * MOST_YOUNG : Infinity
  return Math.max(MIN_LIMIT_BYTES, heapLimitBytes - Math.min(3 * semiBytes, most))
}

/**
 * The memory limit of this process's control group or the nearest one above it that has one, version 2 or 1; undefined
 * if there is none. Within a container the group's own folder often isn't mounted: then the root of the mount counts.
 */
export function cgroupLimitBytes(
  paths: { groups: string; root: string } = { groups: '/proc/self/cgroup', root: '/sys/fs/cgroup' },
): number | undefined {
  const limits = (readText(paths.groups) ?? '').split('\n').flatMap((line) => {
    const [, controllers, group = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === '') return limitsUpwards(paths.root, group, 'memory.max')
    const isMemory = controllers?.split(',').includes('memory')
    return isMemory ? limitsUpwards(`${paths.root}/memory`, group, 'memory.limit_in_bytes') : []
  })
  return limits.length === 0 ? undefined : Math.min(...limits)
}

function limitsUpwards(root: string, group: string, file: string): number[] {
  const parts = group.split('/').filter((part) => part !== '' && part !== '..')
  const folders = Array.from({ length: parts.length + 1 }, (_, depth) => [root, ...parts.slice(0, depth)].join('/'))
  return folders.flatMap((folder) => {
    const limit = Number(readText(`${folder}/${file}`)?.trim())
    // 'max', and what version 1 writes for "none": the largest number of pages.
    return Number.isSafeInteger(limit) && limit > 0 ? [limit] : []
  })
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
