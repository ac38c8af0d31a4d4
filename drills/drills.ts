import { diskFull } from './disk-full.js'
import { hitRatioFalls } from './hit-ratio-falls.js'
import type { Play } from './kit/drill.js'
import { redisDown } from './redis-down.js'
import { redisFull } from './redis-full.js'
import { stalenessBoundLost } from './staleness-bound-lost.js'
import { stampede } from './stampede.js'
import { tenantOffBoarding } from './tenant-off-boarding.js'

/** By the name of their page in docs/playbooks. */
export const DRILLS: Readonly<Record<string, Play>> = {
  'hit-ratio-falls': hitRatioFalls,
  'staleness-bound-lost': stalenessBoundLost,
  'redis-down': redisDown,
  'redis-full': redisFull,
  stampede,
  'tenant-off-boarding': tenantOffBoarding,
  'disk-full': diskFull,
}
