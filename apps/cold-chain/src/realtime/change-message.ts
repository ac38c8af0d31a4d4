import type { Change, ChangeType } from '../domain/change.js'
import type { EventNames } from '../settings.js'
import { rooms } from './rooms.js'

/** Which event tells a change. */
export const EVENT_OF: Record<ChangeType, keyof EventNames> = {
  'unit-state-changed': 'unitUpdate',
  'device-status-changed': 'deviceStatusChange',
  'alert-raised': 'alertCreated',
  'alert-escalated': 'alertUpdated',
  'alert-acknowledged': 'alertUpdated',
  'alert-resolved': 'alertResolved',
}

export interface ChangeMessage {
  readonly organisationId: string
  /** Nobody who asks after this event gets an answer with a smaller version. */
  readonly version: number
  /**
   * Send it back as `cache-after` when asking again: then this holds in any process, also in one whose memory has not
   * heard of the invalidation yet. Absent where there is one process only.
   */
  readonly receipt?: string
  readonly [detail: string]: unknown
}

/** What goes over the wire: everything but the words that only we use. */
export function messageOf(change: Change, receipt: string | undefined): ChangeMessage {
  const { type: _, ...message } = change
  return receipt ? { ...message, receipt } : message
}

/** A socket that is in several of these rooms gets the event once. */
export function roomsOf(change: Change): string[] {
  const { siteId, unitId } = placeOf(change)
  return [
    rooms.organisation(change.organisationId),
    rooms.site(change.organisationId, siteId),
    rooms.unit(change.organisationId, unitId),
  ]
}

function placeOf(change: Change): { siteId: number; unitId: number } {
  switch (change.type) {
    case 'unit-state-changed':
      return { siteId: change.unit.siteId, unitId: change.unit.id }
    case 'device-status-changed':
      return change
    case 'alert-raised':
    case 'alert-escalated':
    case 'alert-acknowledged':
    case 'alert-resolved':
      return change.alert
    default:
      return change satisfies never
  }
}
