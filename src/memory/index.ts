/** The first tier: values in this process's memory, its evictions, and the shared tier's twin. Imports `core` only. */
export type { EvictionName } from './evictions/create-eviction.js'
export type { MemoryTierOptions, ValueMode } from './memory-options.js'
export { memoryTier } from './memory-tier.js'
