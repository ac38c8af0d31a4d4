import type { Change } from '../domain/change.js'

/**
 * Which dashboard entries of an organisation a change makes untrue. This map is all there is: policies say which tags
 * their entries carry (policies.ts), this file says which tags a change touches.
 *
 * A plain reading is not a change: it is stored several times a minute for every unit, and wiping the organisation for it
 * would leave nothing to hit. Trends and compliance move slowly and come up to date by their ttl; live temperatures reach
 * the page over the socket.
 *
 * | change                        | tags                     | entries                                           |
 * |-------------------------------|--------------------------|---------------------------------------------------|
 * | reading, state unchanged      | none                     | none                                              |
 * | unit state changed            | units, stats, unit:<id>  | unit status counts, stats, the trend of that unit |
 * | device went on or off line    | devices                  | devices online                                    |
 * | alert raised, escalated,      | alerts, stats            | alert counts, stats                               |
 * | acknowledged, resolved        |                          |                                                   |
 */
export function tagsOf(change: Change): readonly string[] {
  switch (change.type) {
    case 'unit-state-changed':
      return ['units', 'stats', unitTag(change.unit.id)]
    case 'device-status-changed':
      return ['devices']
    case 'alert-raised':
    case 'alert-escalated':
    case 'alert-acknowledged':
    case 'alert-resolved':
      return ['alerts', 'stats']
    default:
      return change satisfies never
  }
}

export function unitTag(unitId: number): string {
  return `unit:${unitId}`
}
