import type { SharedTier } from '../../../src/core/ports/shared-tier.js'
import { KEY, NAMESPACE } from './open-redis-tier.ts'

/** Every call of the tier that reads or writes keys, by its name. */
export const TIER_CALLS: Record<string, (tier: SharedTier) => Promise<unknown>> = {
  read: (tier) => tier.read(NAMESPACE, [KEY], { tags: ['x'] }),
  control: (tier) => tier.control(NAMESPACE, []),
  acquire: (tier) => tier.acquire(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), leaseMs: 1_000 }]),
  commit: (tier) => tier.commit(NAMESPACE, 'T'.repeat(16), { key: KEY, envelope: 'x', keepMs: 1_000 }),
  renew: (tier) => tier.renew(NAMESPACE, KEY, 'T'.repeat(16), 1_000),
  release: (tier) => tier.release(NAMESPACE, KEY, 'T'.repeat(16)),
  fail: (tier) => tier.fail(NAMESPACE, KEY, 'T'.repeat(16), { code: 'E', keepMs: 1_000 }),
  endEpoch: (tier) => tier.endEpoch(NAMESPACE, 'epoch-01'),
  follow: (tier) => tier.follow(NAMESPACE, [KEY]),
  set: (tier) => tier.set(NAMESPACE, [{ key: KEY, token: 'T'.repeat(16), envelope: 'x', keepMs: 1_000 }], 'payload'),
  delete: (tier) => tier.delete(NAMESPACE, [KEY], 'payload', false),
  'soft delete': (tier) => tier.delete(NAMESPACE, [KEY], 'payload', true),
  bump: (tier) =>
    tier.bump({ namespace: NAMESPACE, tags: ['x'], clear: false, soft: false, origin: 'o', horizonMs: 1 }),
  tail: (tier) => tier.tail(0),
  logSince: (tier) => tier.logSince(0, '0-0', 10),
}
