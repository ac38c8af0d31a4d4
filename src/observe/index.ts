// What a cache does, told to the outside: metrics, OpenTelemetry, log lines, health. May import core, and no package:
// registries, meters, tracers and loggers are described by the part of them that is called, and passed in.
export { type AuditedEntry, type AuditOutcome, type Auditor, type AuditReport, auditCache } from './auditor.js'
export type { AuditorOptions } from './auditor-options.js'
export { type CacheHealth, cacheHealth, type TierHealth } from './cache-health.js'
export { type CacheMetrics, type CacheMetricsOptions, cacheMetrics, type MetricSource } from './cache-metrics.js'
export {
  type ConsoleApi,
  type ConsoleApiOptions,
  type ConsoleReply,
  type ConsoleRequest,
  consoleApi,
} from './console/console-api.js'
export type { CacheHistory, HistoryPoint } from './console/console-history.js'
export { type ConsolePage, consolePage } from './console/console-page.js'
export type { CacheSnapshot, ConsoleSnapshot, PolicySnapshot } from './console/console-snapshot.js'
export type { TenantCounts, TenantTallySnapshot } from './console/tenant-tally.js'
export { type EventLogger, type LogEventsOptions, logEvents } from './event-log.js'
export type { FillLine, LogEventName, LogLine, PartLine } from './log-lines.js'
export type { MetricDescription, MetricFamily, MetricSample } from './metric-family.js'
export { type Meter, type OpenTelemetryOptions, openTelemetry } from './open-telemetry.js'
export { PROMETHEUS_CONTENT_TYPE, prometheusText } from './prometheus-text.js'
export { type MetricRegistry, registerMetrics } from './register-metrics.js'
export type { SpanTracer } from './spans.js'
