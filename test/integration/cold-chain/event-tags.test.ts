import { describe, expect, it } from 'vitest'
import { tagsOf } from '../../../apps/cold-chain/src/dashboard/event-tags.ts'
import type { Alert, Change } from '../../../apps/cold-chain/src/domain/change.ts'

const at = { organisationId: 'org-1', version: 1 }
const unit = {
  id: 7,
  siteId: 1,
  name: 'Fridge',
  state: 'critical',
  previousState: 'normal',
  celsius: 12,
  readingAt: null,
} as const
const alert: Alert = {
  id: 1,
  siteId: 1,
  unitId: 7,
  unitName: 'Fridge',
  kind: 'temperature',
  severity: 'critical',
  status: 'pending',
  celsius: 12,
  raisedAt: new Date(),
  acknowledgedAt: null,
  resolvedAt: null,
  pendingSince: new Date(),
  escalatedAt: null,
}

describe('the event to tag map', () => {
  it.each<[string, Change, string[]]>([
    [
      'a new state: the counts, the overview, and the trend of that unit',
      { type: 'unit-state-changed', ...at, unit },
      ['units', 'stats', 'unit:7'],
    ],
    [
      'a device that comes or goes: devices',
      { type: 'device-status-changed', ...at, siteId: 1, unitId: 7, deviceId: 9, online: false },
      ['devices'],
    ],
    ['a raised alert: alerts and the overview', { type: 'alert-raised', ...at, alert }, ['alerts', 'stats']],
    ['an escalated one: the same', { type: 'alert-escalated', ...at, alert }, ['alerts', 'stats']],
    ['an acknowledged one: the same', { type: 'alert-acknowledged', ...at, alert }, ['alerts', 'stats']],
    ['a resolved one: the same', { type: 'alert-resolved', ...at, alert }, ['alerts', 'stats']],
  ])('%s', (_, change, tags) => {
    expect(tagsOf(change)).toEqual(tags)
  })
})
