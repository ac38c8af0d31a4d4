import { definePolicy, type Key, type Policy } from 'freshtier'
import type { Queryable, QueryOptions } from '../database/database.js'
import { unitTag } from './event-tags.js'
import { queryAlertCounts } from './queries/alert-counts.js'
import { queryCompliance } from './queries/compliance.js'
import { queryDevicesOnline } from './queries/devices-online.js'
import { queryOpenAlerts } from './queries/open-alerts.js'
import { queryOrganizationStats } from './queries/organization-stats.js'
import { queryTemperatureTrends } from './queries/temperature-trends.js'
import { queryUnitStatus } from './queries/unit-status.js'
import { queryUnitTrend } from './queries/unit-trend.js'

/** Something a dashboard asks: how to find the answer in the database, and the policy under which it is kept. */
export interface Question<K extends Key, V> {
  readonly name: string
  /** Asks the database, with no cache in between. `undefined` = there is no such thing in that organisation. */
  readonly ask: (organisationId: string, key: K, options?: QueryOptions) => Promise<V | undefined>
  readonly policy: Policy<K, V | undefined, true>
}

/** The one key of a question that is asked about a whole organisation: the tenant already says which one. */
export type Whole = 'all'
export const WHOLE: Whole = 'all'

export type Questions = ReturnType<typeof createQuestions>

/**
 * Every cached query of the dashboard. The tenant of the cache is the organisation, so the fill takes its id from there
 * and no key can name another one. Tags: event-tags.ts.
 */
export function createQuestions(database: Queryable, ttlSeconds: number) {
  const question = <K extends Key, V>(
    name: string,
    tags: (key: K) => readonly string[],
    ask: (organisationId: string, key: K, options?: QueryOptions) => Promise<V | undefined>,
  ): Question<K, V> => ({
    name,
    ask,
    // While `V` is open TypeScript can't see that the result of the fill is just that.
    policy: definePolicy({
      name,
      ttl: `${ttlSeconds}s`,
      // The database is down: an answer that was true a moment ago is better than none. An invalidated one is never used.
      stale: { ifError: '10m' },
      fillTimeout: { hard: '10s' },
      // A question takes milliseconds. Who waits for an instance that was killed meanwhile asks the database while their
      // own caller still waits.
      coordinate: { leaseMs: 3_000, waitMs: 1_000 },
      tags,
      fill: (key: K, { tenant, signal }) => ask(tenant, key, { signal }),
    }) as Policy<K, V | undefined, true>,
  })
  const whole = <V>(
    name: string,
    tags: readonly string[],
    ask: (database: Queryable, organisationId: string, options?: QueryOptions) => Promise<V | undefined>,
  ): Question<Whole, V> =>
    question(
      name,
      () => tags,
      (organisationId, _, options) => ask(database, organisationId, options),
    )

  return {
    unitStatus: whole('unit-status', ['units'], queryUnitStatus),
    alertCounts: whole('alert-counts', ['alerts'], queryAlertCounts),
    openAlerts: whole('open-alerts', ['alerts'], queryOpenAlerts),
    compliance: whole('compliance', [], queryCompliance),
    trends: whole('temperature-trends', [], queryTemperatureTrends),
    devicesOnline: whole('devices-online', ['devices'], queryDevicesOnline),
    stats: whole('organization-stats', ['stats'], queryOrganizationStats),
    unitTrend: question(
      'unit-trend',
      (unitId: number) => [unitTag(unitId)],
      (organisationId, unitId, options) => queryUnitTrend(database, organisationId, unitId, options),
    ),
  }
}
