/** The first tier: values in this process's memory, its evictions, and the shared tier's twin. Imports `core` only. */
export type { MemoryTierOptions, ValueMode } from './memory-options.js'
export type { MemoryReadings } from './memory-readings.js'
export { memoryTier } from './memory-tier.js'
export type { QuotaOptions, TenantQuota } from './quota-options.js'
