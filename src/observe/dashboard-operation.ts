import type { TierOperation } from '../core/told-tier.js'

/** The dashboard requirements know four operations of a cache; each call of a shared tier serves one of them. */
export function dashboardOperation(operation: TierOperation): 'get' | 'set' | 'delete' | 'invalidate' {
  switch (operation) {
    case 'read':
    case 'control':
    case 'follow':
    case 'tail':
    case 'logSince':
      return 'get'
    case 'acquire':
    case 'commit':
    case 'renew':
    case 'release':
    case 'fail':
    case 'set':
      return 'set'
    case 'delete':
    case 'reclaim':
      return 'delete'
    case 'bump':
    case 'deletePattern':
    case 'endEpoch':
      return 'invalidate'
    default:
      return operation satisfies never
  }
}
