import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { InvalidOptionError } from '../core/errors.js'
import { systemClock } from '../core/system-clock.js'
import { systemRandom } from '../core/system-random.js'
import { DirectoryLock } from './directory-lock.js'
import { checkDirectory } from './disk-tier-options.js'
import type { Inspection } from './inspect.js'
import { Maintenance } from './maintenance.js'
import { hintPath, segmentName, segmentsIn } from './segment.js'
import { ValueFiles } from './value-files.js'

/** What a directory takes on the disk. */
export interface DirectoryStats {
  readonly segments: number
  /** Values with a file of their own, those that a crash left behind included. */
  readonly files: number
  readonly bytes: number
  /** True while a process writes to it. */
  readonly isInUse: boolean
}

/**
 * Reads every byte of a directory, in a thread of its own, and says what cannot be read as it was written. Changes
 * nothing. While a process writes to the directory, what it is just writing may look torn.
 *
 * @throws InvalidOptionError for what is no path, or where there is no disk tier.
 */
export async function verifyDirectory(directory: string): Promise<Inspection> {
  const path = tierPath(directory)
  const maintenance = new Maintenance({ hasWorker: true })
  try {
    return await maintenance.run({ task: 'inspect', directory: path })
  } finally {
    await maintenance.close()
  }
}

/**
 * Makes a directory forget what is damaged: hints are written anew from the segments, files that nobody names and
 * unfinished ones are removed. Answers what is left to find, which is nothing unless the disk itself is at fault.
 *
 * @throws InvalidOptionError as `verifyDirectory`; CacheError `DISK_LOCKED` while a process writes to it.
 */
export async function repairDirectory(directory: string): Promise<{ damaged: number; removed: number }> {
  const path = tierPath(directory)
  const rules = { directory, whenLocked: 'throw' } as const
  const lock = new DirectoryLock(rules, { clock: systemClock, random: systemRandom })
  if (lock.error !== undefined) throw lock.error
  const maintenance = new Maintenance({ hasWorker: true, awaitsSweeps: true })
  try {
    const log = join(path, 'log')
    const { ids, foreign } = segmentsIn(log)
    const hints = ids.map((id) => hintPath(segmentName(id))).filter((name) => !foreign.includes(name))
    for (const name of hints) rmSync(join(log, name), { force: true })
    const found = await maintenance.run({ task: 'recover', directory: path, seed: 1 })
    const files = new ValueFiles(join(path, 'files'), { syncs: false })
    const live = found.files.map(({ low, high, file }) => files.path(low, high, file))
    const { removed } = await maintenance.run({ task: 'sweep', directory: path, live, before: found.lastSequence })
    return { damaged: found.damaged, removed }
  } finally {
    await maintenance.close()
    lock.release()
  }
}

/** How large a directory is. Reads no content. */
export function directoryStats(directory: string): DirectoryStats {
  const path = versionPath(directory)
  const { ids } = segmentsIn(join(path, 'log'))
  let bytes = 0
  for (const id of ids) bytes += sizeOf(join(path, 'log', segmentName(id)))
  let files = 0
  for (const partition of namesIn(join(path, 'files'))) {
    for (const name of namesIn(join(path, 'files', partition))) {
      files++
      bytes += sizeOf(join(path, 'files', partition, name))
    }
  }
  return { segments: ids.length, files, bytes, isInUse: namesIn(resolve(directory)).includes('LOCK') }
}

function versionPath(directory: string): string {
  return join(resolve(checkDirectory(directory, 'directory')), 'v1')
}

/** A mistyped path must not pass for a directory in which all is well. */
function tierPath(directory: string): string {
  const path = versionPath(directory)
  if (existsSync(path)) return path
  throw new InvalidOptionError({ field: 'directory', value: directory, rule: 'must be the directory of a disk tier' })
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
