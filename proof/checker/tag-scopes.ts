import type { TagScope } from './tag-protocol.js'

const strict = (process: 0 | 1, reads = 1) => ({ process, level: 'strict', reads }) as const
const bounded = (process: 0 | 1, reads = 1) => ({ process, level: 'bounded', reads }) as const

/** Seconds: what every run of the tests explores. Together they hold a counterexample of every mutant. */
export const SMALL_TAG_SCOPES: readonly TagScope[] = [
  { name: 'strict: two callers, two invalidations', readers: [strict(0), strict(1, 2)], writes: 2 },
  {
    name: 'strict: other tags move the clock, x is pruned',
    readers: [strict(0, 2)],
    writes: 1,
    otherBumps: 2,
    prunes: 1,
  },
  { name: 'strict: the control block is lost', readers: [strict(0, 2)], writes: 1, losses: 1 },
  { name: 'strict: callers that join a load', readers: [strict(0), strict(0)], writes: 1, otherBumps: 1, expiries: 1 },
  {
    name: 'bounded: memory that follows the log',
    readers: [bounded(0, 2), strict(0)],
    writes: 1,
    otherBumps: 1,
    syncs: 1,
  },
  {
    name: 'bounded: the log is trimmed and taken up anew',
    readers: [bounded(0, 2), strict(0)],
    writes: 1,
    syncs: 1,
    trims: 1,
  },
]

/** Minutes: `npm run prove`. */
export const FULL_TAG_SCOPES: readonly TagScope[] = [
  {
    name: 'strict: two writes, x is pruned, the control block is lost',
    readers: [strict(0), strict(1)],
    writes: 2,
    prunes: 1,
    losses: 1,
  },
  {
    name: 'strict: leases expire, x is pruned, the control block is lost',
    readers: [strict(0), strict(1, 2)],
    writes: 1,
    prunes: 1,
    losses: 1,
    expiries: 1,
  },
  {
    name: 'strict: two writes, leases expire, other tags move the clock',
    readers: [strict(0), strict(1)],
    writes: 2,
    otherBumps: 1,
    expiries: 1,
  },
  {
    name: 'strict: one process, everything at once',
    readers: [strict(0, 2)],
    writes: 2,
    otherBumps: 2,
    prunes: 2,
    losses: 1,
    expiries: 1,
  },
  {
    name: 'strict: callers that join a load, the control block is lost',
    readers: [strict(0, 2), strict(0)],
    writes: 2,
    losses: 1,
    expiries: 1,
  },
  {
    name: 'bounded: two processes with memory, and a strict caller',
    readers: [bounded(0, 2), bounded(1), strict(0)],
    writes: 1,
    syncs: 1,
  },
  {
    name: 'bounded: memory, and the control block is lost',
    readers: [bounded(0, 2), strict(1)],
    writes: 1,
    otherBumps: 1,
    syncs: 1,
    losses: 1,
  },
  {
    name: 'bounded: the log is taken up anew, and the control block is lost',
    readers: [bounded(0, 2), strict(0)],
    writes: 1,
    syncs: 2,
    losses: 1,
    trims: 1,
  },
]
