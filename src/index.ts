// The main door: the core and its memory tier. Loads no third-party module; other technologies have doors of their own.

export type { BoundPolicy } from './core/bound-policy.js'
export type { CloseReport } from './core/cache-core.js'
export type { CacheOptions, TierDefinition } from './core/cache-options.js'
export type {
  DeletedMany,
  DeleteOptions,
  Fillable,
  FillMany,
  InvalidateOptions,
  InvalidateRequest,
  ReadOptions,
  WriteOptions,
} from './core/call-requests.js'
export { MAX_KEY_LENGTH } from './core/check-key.js'
export type { Cache, MemoryControl } from './core/create-cache.js'
export { type DoctorFinding, type DoctorReport, doctor } from './core/doctor.js'
export type { Entry, EntryDetails, EntryLookup } from './core/entry.js'
export {
  CacheError,
  ERROR_CODES,
  type ErrorCode,
  FillTimeoutError,
  InvalidOptionError,
  RemoteFillError,
  UnserialisableValueError,
} from './core/errors.js'
export type { CacheEvent, CacheEventType } from './core/events.js'
export type { Explanation, TierExplanation } from './core/explain.js'
export type { DetailedValue, FillContext, FillResult, ValueDetails } from './core/fill-context.js'
export type { Consistency } from './core/job.js'
export { MAX_TENANT_LENGTH } from './core/namespaces.js'
export type { TierPing } from './core/ping.js'
export { definePolicy, type OnTimeout, type Policy, type PolicyOptions, type Rules } from './core/policy.js'
export type { CancelTimer, Clock } from './core/ports/clock.js'
export type { EvictionName, Key, MemoryTierDefinition, PressureChange, TenantUsage } from './core/ports/local-tier.js'
export type { Random } from './core/ports/random.js'
export type { NodeInspection, PatternReply, SharedInspection, SharedTierDefinition } from './core/ports/shared-tier.js'
export type { PurgeOptions, PurgeReceipt } from './core/purge.js'
export type { Duration, Size } from './core/quantity.js'
export type { FillManyContext } from './core/read-many.js'
export type { QueuedInvalidation, Receipt } from './core/receipt.js'
export type { RecentInvalidation } from './core/recent-invalidations.js'
export type { Scope, SetOutcome, StoreOutcome } from './core/scope.js'
export type { StandardSchema } from './core/standard-schema.js'
export type { CacheStats, PolicyStats, TierStats } from './core/stats.js'
export type { SyncView, SyncWriteOptions } from './core/sync-view.js'
export { MAX_TAG_LENGTH, MAX_TAGS_PER_ENTRY } from './core/tags.js'
export type { TierOperation } from './core/told-tier.js'
export type { WarmOptions, WarmReport } from './core/warm.js'
export { createCache } from './create-cache.js'
export type { MemoryTierOptions } from './memory/memory-options.js'
export type { HeapReading, MemoryReadings } from './memory/memory-readings.js'
export { memoryTier } from './memory/memory-tier.js'
export type { QuotaOptions, TenantQuota } from './memory/quota-options.js'
