// The disk tier: a segmented log with checksums, and a file each for large values. May import core, and no package.
export { diskTier } from './disk-tier.js'
export type {
  BreakerOptions,
  CompressionOptions,
  DiskEviction,
  DiskTierOptions,
  Durability,
} from './disk-tier-options.js'
