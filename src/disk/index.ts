// The disk tier: a segmented log with checksums, and a file each for large values. May import core, and no package.
export { type DirectoryStats, directoryStats, repairDirectory, verifyDirectory } from './directory.js'
export type { DiskStore } from './disk-store.js'
export { diskTier } from './disk-tier.js'
export type {
  BreakerOptions,
  CompressionOptions,
  DiskEviction,
  DiskTierOptions,
  Durability,
} from './disk-tier-options.js'
export type { StoreEntry } from './entry-packer.js'
export type { Inspection } from './inspect.js'
export { type DiskStoreOptions, openDiskStore } from './open-disk-store.js'
export type { StoredValue } from './record-reader.js'
export type { DiskStats, Trouble } from './store-context.js'
