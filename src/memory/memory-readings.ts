import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { getHeapSpaceStatistics, getHeapStatistics } from 'node:v8'

/** What V8 holds in its old generation, and how much it may. Read every so many stores: 2 µs. */
export interface HeapReading {
  /** Objects, those included that nobody needs any more. */
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

/** V8 counts three semi-spaces of 16 MB into `heap_size_limit`, and runs out of memory when the old generation is full. */
const YOUNG_BYTES = 3 * 16 * 1024 * 1024
const MIN_LIMIT_BYTES = 16 * 1024 * 1024

/** The readings of this process. The limit of its control group is read once, now. */
export function processReadings(): MemoryReadings {
  const limitBytes = Math.max(MIN_LIMIT_BYTES, getHeapStatistics().heap_size_limit - YOUNG_BYTES)
  return {
    heap: () => {
      let usedBytes = 0
      let committedBytes = 0
      for (const space of getHeapSpaceStatistics()) {
        if (space.space_name.startsWith('new_')) continue
        usedBytes += space.space_used_size
        committedBytes += space.space_size
      }
      return { usedBytes, committedBytes, limitBytes }
    },
    rssBytes: () => process.memoryUsage.rss(),
    rssLimitBytes: Math.min(cgroupLimitBytes() ?? Infinity, totalmem()),
  }
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
