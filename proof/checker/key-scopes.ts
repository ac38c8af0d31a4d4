import type { KeyScope } from './key-protocol.js'

const reader = (process: 0 | 1, level: 'bounded' | 'strict', reads = 1) => ({ process, level, reads })

/** Seconds: what every run of the tests explores. Together they hold a counterexample of every mutant. */
export const SMALL_KEY_SCOPES: readonly KeyScope[] = [
  {
    name: 'fence: three fills of two processes',
    readers: [reader(0, 'strict'), reader(1, 'strict'), reader(1, 'strict')],
    writes: 1,
    syncs: [0, 0],
    expiries: 1,
  },
  {
    name: 'joins: three strict callers of one process',
    readers: [reader(1, 'strict'), reader(1, 'strict'), reader(1, 'strict')],
    writes: 1,
    syncs: [0, 0],
  },
  {
    name: 'own process: reads beside its own invalidation',
    readers: [reader(0, 'bounded', 2), reader(0, 'bounded')],
    writes: 1,
    syncs: [0, 0],
  },
  {
    name: 'bound: two callers, no look at the log',
    readers: [reader(1, 'bounded', 2), reader(1, 'bounded')],
    writes: 1,
    syncs: [0, 0],
    ticks: 1,
  },
  { name: 'memory: follows the log', readers: [reader(1, 'bounded', 3)], writes: 1, syncs: [0, 2], ticks: 1 },
  {
    name: 'log: trimmed, with rows of other keys',
    readers: [reader(1, 'bounded', 2)],
    writes: 1,
    syncs: [0, 1],
    ticks: 1,
    trims: 2,
    noise: 1,
  },
  {
    name: 'failover: the replica misses a row',
    readers: [reader(1, 'bounded', 2)],
    writes: 1,
    syncs: [0, 1],
    ticks: 1,
    failovers: 1,
    replicaLags: true,
  },
  {
    name: 'moving slot: lease and data deleted one by one',
    readers: [reader(0, 'strict'), reader(1, 'strict')],
    writes: 2,
    syncs: [0, 0],
    expiries: 1,
    migrating: true,
  },
]

/** Minutes: `npm run prove`. */
export const FULL_KEY_SCOPES: readonly KeyScope[] = [
  {
    name: 'fence: two writes, an expiring lease, a failing fill',
    readers: [reader(0, 'strict'), reader(1, 'bounded'), reader(1, 'strict')],
    writes: 2,
    syncs: [0, 0],
    expiries: 1,
    failedFills: 1,
  },
  {
    name: 'joins: strict callers of one process, a bounded one, two writes, an expiring lease, a failing fill',
    readers: [reader(1, 'strict', 2), reader(1, 'strict'), reader(1, 'bounded')],
    writes: 2,
    syncs: [0, 1],
    expiries: 1,
    failedFills: 1,
  },
  {
    name: 'joins: strict callers of the process that invalidates, and a peer',
    readers: [reader(0, 'strict', 2), reader(0, 'strict'), reader(1, 'strict')],
    writes: 2,
    syncs: [0, 0],
    expiries: 1,
  },
  {
    name: 'memory: two callers, two writes, two syncs',
    readers: [reader(1, 'bounded', 2), reader(1, 'bounded')],
    writes: 2,
    syncs: [0, 2],
    ticks: 1,
  },
  {
    name: 'bound of one tick: memory, joins, a strict caller',
    readers: [reader(1, 'bounded', 2), reader(1, 'strict')],
    writes: 1,
    syncs: [0, 1],
    ticks: 4,
    boundTicks: 1,
  },
  {
    name: 'own process: reads beside its own invalidations and a peer',
    readers: [reader(0, 'bounded', 2), reader(1, 'bounded')],
    writes: 2,
    syncs: [0, 1],
    ticks: 1,
  },
  {
    name: 'log: two writes, trimmed, with rows of other keys',
    readers: [reader(1, 'bounded', 2)],
    writes: 2,
    syncs: [0, 2],
    ticks: 1,
    trims: 2,
    noise: 1,
  },
  {
    name: 'failover: two writes, the replica lost rows',
    readers: [reader(1, 'bounded', 2)],
    writes: 2,
    syncs: [0, 2],
    ticks: 1,
    failovers: 1,
  },
  {
    name: 'failover: the replica lost rows, others append',
    readers: [reader(1, 'bounded', 2)],
    writes: 1,
    syncs: [0, 2],
    ticks: 1,
    failovers: 1,
    noise: 1,
  },
  {
    name: 'moving slot: memory and fills while it moves',
    readers: [reader(0, 'bounded'), reader(1, 'bounded', 2)],
    writes: 2,
    syncs: [0, 1],
    ticks: 1,
    expiries: 1,
    migrating: true,
  },
]
