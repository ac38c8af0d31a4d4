import { systemClock } from '../core/system-clock.js'
import { systemRandom } from '../core/system-random.js'
import { DiskStore } from './disk-store.js'
import { checkDiskTierOptions, type DiskTierOptions } from './disk-tier-options.js'
import type { Trouble } from './store-context.js'

export interface DiskStoreOptions extends DiskTierOptions {
  /** Told what went wrong: nothing of it reaches the callers, who see misses and `false`. Must not throw. */
  readonly onTrouble?: ((trouble: Trouble) => void) | undefined
}

/**
 * The store of the disk tier by itself: bytes by key, without policies, tags or invalidations.
 *
 * ```ts
 * const store = await openDiskStore({ directory: './.store' })
 * await store.set({ key: 'a', value: 'text or bytes', lifeMs: 60_000 })
 * const found = await store.get('a')
 * await store.close()
 * ```
 *
 * @throws InvalidOptionError, CacheError `DISK_LOCKED`, or what the file system said when the directory was read.
 */
export async function openDiskStore({ onTrouble, ...options }: DiskStoreOptions): Promise<DiskStore> {
  let failure: unknown
  const store = new DiskStore(checkDiskTierOptions(options, 'openDiskStore'), {
    clock: systemClock,
    random: systemRandom,
    onTrouble: (trouble) => {
      if (trouble.kind === 'failed' && trouble.operation === 'open') failure = trouble.error
      onTrouble?.(trouble)
    },
  })
  if (await store.opened) return store
  await store.close()
  throw failure
}
