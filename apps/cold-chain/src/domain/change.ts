import type { UnitState } from './unit-state.js'

export type AlertKind = 'temperature' | 'offline'
export type AlertSeverity = 'warning' | 'critical'
export type AlertStatus = 'pending' | 'acknowledged' | 'resolved'

/** A unit as a change left it. */
export interface ChangedUnit {
  readonly id: number
  readonly siteId: number
  readonly name: string
  readonly state: UnitState
  readonly previousState: UnitState
  readonly celsius: number | null
  readonly readingAt: Date | null
}

export interface Alert {
  readonly id: number
  readonly siteId: number
  readonly unitId: number
  readonly unitName: string
  readonly kind: AlertKind
  readonly severity: AlertSeverity
  readonly status: AlertStatus
  readonly celsius: number | null
  readonly raisedAt: Date
  readonly acknowledgedAt: Date | null
  readonly resolvedAt: Date | null
  /** Since when it waits for somebody: it was raised then, or became worse. */
  readonly pendingSince: Date
  /** Nobody came in time. */
  readonly escalatedAt: Date | null
}

/** What a committed transaction changed, for the one who invalidates and for the one who tells browsers. */
export type Change = {
  readonly organisationId: string
  /** `organisations.version` after that transaction: no answer with a smaller one may be seen from now on. */
  readonly version: number
} & (
  | { readonly type: 'unit-state-changed'; readonly unit: ChangedUnit }
  | {
      readonly type: 'device-status-changed'
      readonly siteId: number
      readonly unitId: number
      readonly deviceId: number
      readonly online: boolean
    }
  | {
      readonly type: 'alert-raised' | 'alert-escalated' | 'alert-acknowledged' | 'alert-resolved'
      readonly alert: Alert
    }
)

export type ChangeType = Change['type']
