/** Names of Socket.IO rooms. Ids come from the database and hold no colon, so no two rooms share a name. */
export const rooms = {
  organisation: (organisationId: string) => `org:${organisationId}`,
  site: (organisationId: string, siteId: number) => `org:${organisationId}:site:${siteId}`,
  unit: (organisationId: string, unitId: number) => `org:${organisationId}:unit:${unitId}`,
  /** What the cache of this process does; no organisation's data. */
  cacheMetrics: 'cache-metrics',
}
