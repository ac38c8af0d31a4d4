import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/core/system-clock.js'
import { systemRandom } from '../../../src/core/system-random.js'
import { DiskStore } from '../../../src/disk/disk-store.js'
import { checkDiskTierOptions, type DiskTierOptions } from '../../../src/disk/disk-tier-options.js'
import type { seededRandom } from '../../../src/testing/index.js'

type Random = ReturnType<typeof seededRandom>
type Word = [kind: string, ...rest: unknown[]]

const CHILD = fileURLToPath(new URL('./crash-child.mjs', import.meta.url))

/** What became of a chain of processes that were killed one after the other over one directory. */
export interface CrashReport {
  kills: number
  acknowledged: number
  batches: number
  wrong: string[]
  lost: string[]
  partial: string[]
  troubles: string[]
}

/** What may stand in a key: the last acknowledged operation, and whatever began after it. `undefined`: nothing. */
interface Known {
  acknowledged: number
  /** By version: the value is there, or was deleted. */
  readonly operations: Map<number, 'set' | 'delete'>
}

/** Starts a process, kills it at a random moment, opens its directory, compares; and again. */
export async function crash(options: DiskTierOptions, kills: number, random: Random): Promise<CrashReport> {
  // @ts-expect-error a plain module, shared with the child
  const { valueFor } = (await import('./crash-value.mjs')) as { valueFor(key: string, version: number): string }
  const report: CrashReport = { kills: 0, acknowledged: 0, batches: 0, wrong: [], lost: [], partial: [], troubles: [] }
  const keys = new Map<string, Known>()
  let version = 0
  while (report.kills < kills) {
    const words = await runUntilKilled(options, version, random)
    version = learn(words, keys, report, version)
    report.kills++
    const store = new DiskStore(checkDiskTierOptions(options), {
      clock: systemClock,
      random: systemRandom,
      onTrouble: (trouble) => void report.troubles.push(JSON.stringify(trouble)),
    })
    await store.opened
    const batches = new Set<string>()
    for (const [key, known] of keys) {
      const found = (await store.get(key))?.value.toString()
      const at = found === undefined ? undefined : Number(/@(\d+):/.exec(found)?.[1])
      if (found !== undefined && found !== valueFor(key, at!)) report.wrong.push(`${key}: ${found.slice(0, 30)}`)
      const { acknowledged, operations } = known
      const began = [...operations].join(' ')
      if (!settle(known, at)) report.lost.push(`${key} has ${at}, acknowledged is ${acknowledged} of ${began}`)
      if (key.startsWith('b')) batches.add(String(at))
    }
    if (batches.size > 1) report.partial.push([...batches].join(' '))
    await store.close()
  }
  return report
}

/** True if what was found is the newest acknowledged state or one that began later; from now on it is the known one. */
function settle(known: Known, at: number | undefined): boolean {
  const possible = [...known.operations].filter(([version]) => version >= known.acknowledged)
  const isRight =
    at === undefined
      ? known.acknowledged === 0 || possible.some(([, kind]) => kind === 'delete')
      : possible.some(([version, kind]) => kind === 'set' && version === at)
  known.operations.clear()
  if (at === undefined) known.acknowledged = 0
  else {
    known.operations.set(at, 'set')
    known.acknowledged = at
  }
  return isRight
}

function learn(words: readonly Word[], keys: Map<string, Known>, report: CrashReport, from: number): number {
  const named = new Map<number, string[]>()
  let version = from
  for (const [kind, first, second] of words) {
    if (kind === 'trouble') report.troubles.push(`${String(first)} ${String(second)}`)
    if (kind === 'set' || kind === 'delete' || kind === 'batch') {
      const own = second as number
      version = Math.max(version, own)
      const list = kind === 'batch' ? (first as string[]) : [first as string]
      named.set(own, list)
      for (const key of list) {
        const known = keys.get(key) ?? { acknowledged: 0, operations: new Map() }
        known.operations.set(own, kind === 'delete' ? 'delete' : 'set')
        keys.set(key, known)
      }
    }
    if (kind === 'ok') {
      const own = first as number
      report.acknowledged++
      const list = named.get(own) ?? []
      if (list.length > 1) report.batches++
      for (const key of list) keys.get(key)!.acknowledged = Math.max(keys.get(key)!.acknowledged, own)
    }
  }
  return version
}

/** What a process said before it was killed: after so many words, so that a slow machine changes nothing. */
async function runUntilKilled(options: DiskTierOptions, version: number, random: Random): Promise<Word[]> {
  const patience = Math.floor(random.next() ** 2 * 400)
  const seed = Math.floor(random.next() * 1e9)
  const child = spawn(process.execPath, [CHILD, JSON.stringify(options), String(version), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let lines = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (const character of chunk) if (character === '\n') lines++
    if (lines > patience) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
  return text
    .split('\n')
    .filter((line) => line.endsWith(']'))
    .map((line) => JSON.parse(line) as Word)
}
