import type { EvictionName } from '../../core/ports/local-tier.js'
import type { Random } from '../../core/ports/random.js'
import type { Slots } from '../slots.js'
import type { Eviction } from './eviction.js'
import { FifoEviction } from './fifo-eviction.js'
import { LfuEviction } from './lfu-eviction.js'
import { LruEviction } from './lru-eviction.js'
import { S3FifoEviction } from './s3-fifo-eviction.js'
import { SieveEviction } from './sieve-eviction.js'
import { WTinyLfuEviction } from './w-tinylfu-eviction.js'

interface EvictionKind {
  /** 32-bit words that it keeps in the record of each entry. */
  readonly words: 0 | 1
  /** Bytes that it keeps for each entry elsewhere. */
  readonly bytesElsewhere: number
  /** Reads mean nothing to it while less than half of the room is taken, so they need not be told. */
  restsWhileRoomy?: boolean
  create(slots: Slots, random: Random): Eviction
}

export const EVICTIONS: Readonly<Record<EvictionName, EvictionKind>> = {
  'w-tinylfu': {
    words: 1,
    bytesElsewhere: 8,
    // As Caffeine does: what is read before anybody must leave says little about who should.
    restsWhileRoomy: true,
    create: (slots, random) => new WTinyLfuEviction(slots, random),
  },
  lru: { words: 0, bytesElsewhere: 0, create: (slots) => new LruEviction(slots) },
  fifo: { words: 0, bytesElsewhere: 0, create: (slots) => new FifoEviction(slots) },
  lfu: { words: 1, bytesElsewhere: 0, create: (slots) => new LfuEviction(slots) },
  sieve: { words: 0, bytesElsewhere: 0, create: (slots) => new SieveEviction(slots) },
  's3-fifo': { words: 0, bytesElsewhere: 16, create: (slots) => new S3FifoEviction(slots) },
}

export const EVICTION_NAMES = Object.keys(EVICTIONS) as EvictionName[]
