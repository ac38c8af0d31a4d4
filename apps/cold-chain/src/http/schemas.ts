/** JSON schemas of the routes: what comes in is checked, what goes out is written by them. */
const id = { type: 'integer', minimum: 1, maximum: 2_147_483_647 } as const
const count = { type: 'integer' } as const
const celsius = { type: 'number', minimum: -150, maximum: 150 } as const
const time = { type: 'string', format: 'date-time' } as const
const optionalTime = { type: ['string', 'null'], format: 'date-time' } as const
const optionalNumber = { type: ['number', 'null'] } as const

function object(properties: Record<string, object>) {
  return { type: 'object', required: Object.keys(properties), properties }
}

const organisation = { organisationId: { type: 'string', minLength: 1, maxLength: 64 } } as const
export const organisationParams = object(organisation)
export const unitParams = object({ ...organisation, unitId: id })
export const alertParams = object({ ...organisation, alertId: id })

export const historyQuery = {
  type: 'object',
  additionalProperties: false,
  properties: { before: id, limit: { type: 'integer', minimum: 1, maximum: 500, default: 50 } },
} as const

export const readingBody = {
  type: 'object',
  required: ['deviceId', 'celsius'],
  additionalProperties: false,
  properties: { deviceId: id, celsius, takenAt: time },
} as const

const stateCounts = { total: count, normal: count, warning: count, critical: count, offline: count }
const alertCounts = { pending: count, acknowledged: count, resolved: count, total: count }
const points = {
  type: 'array',
  items: object({ at: time, average: { type: 'number' }, minimum: { type: 'number' }, maximum: { type: 'number' } }),
}
const alert = object({
  id,
  siteId: id,
  unitId: id,
  unitName: { type: 'string' },
  kind: { type: 'string' },
  severity: { type: 'string' },
  status: { type: 'string' },
  celsius: optionalNumber,
  raisedAt: time,
  acknowledgedAt: optionalTime,
  resolvedAt: optionalTime,
  pendingSince: time,
  escalatedAt: optionalTime,
})

export const responses = {
  unitStatus: object({ version: count, ...stateCounts }),
  alertCounts: object({ version: count, ...alertCounts }),
  openAlerts: object({ version: count, alerts: { type: 'array', items: alert } }),
  compliance: object({ version: count, percentage: optionalNumber, readings: count, inRange: count }),
  devicesOnline: object({ version: count, online: count, offline: count, total: count }),
  trends: object({
    version: count,
    bucketMinutes: count,
    series: { type: 'array', items: object({ kind: { type: 'string' }, points }) },
  }),
  unitTrend: object({
    unitId: id,
    version: count,
    minimumCelsius: { type: 'number' },
    maximumCelsius: { type: 'number' },
    criticalMargin: { type: 'number' },
    bucketMinutes: count,
    points,
  }),
  stats: object({
    organizationId: { type: 'string' },
    version: count,
    unitCounts: object(stateCounts),
    alertCounts: object(alertCounts),
    compliancePercentage: optionalNumber,
    memberCount: count,
    siteCount: count,
    worstState: { type: 'string' },
    lastUpdated: time,
  }),
}
