import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { systemClock } from '../../../src/core/system-clock.js'
import { DiskStore } from '../../../src/disk/disk-store.js'
import { checkDiskTierOptions, type DiskTierOptions } from '../../../src/disk/disk-tier-options.js'
import type { StoreContext, Trouble } from '../../../src/disk/store-context.js'
import { seededRandom } from '../../../src/testing/index.js'
import { scratchParent } from '../../kit/scratch-parent.js'

const directories: string[] = []
const stores: DiskStore[] = []

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(scratchParent, 'freshtier-disk-'))
  directories.push(directory)
  return directory
}

export interface OpenStore {
  readonly store: DiskStore
  readonly directory: string
  readonly troubles: Trouble[]
}

/** An open store; maintenance runs in this thread unless the test says otherwise. It is closed after the test. */
export async function openStore(
  options: Partial<DiskTierOptions> = {},
  context: Partial<StoreContext> = {},
): Promise<OpenStore> {
  const directory = options.directory ?? temporaryDirectory()
  const troubles: Trouble[] = []
  const store = new DiskStore(checkDiskTierOptions({ ...options, directory }), {
    clock: systemClock,
    random: seededRandom(1),
    onTrouble: (trouble) => void troubles.push(trouble),
    hasWorker: false,
    ...context,
  })
  stores.push(store)
  await store.opened
  return { store, directory, troubles }
}

/** What a store has of a key, as text. */
export async function textOf(store: DiskStore, key: string): Promise<string | undefined> {
  return (await store.get(key))?.value.toString()
}
