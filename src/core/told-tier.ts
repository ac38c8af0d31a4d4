import type { Events } from './events.js'
import type { Clock } from './ports/clock.js'
import type { SharedTier } from './ports/shared-tier.js'

/** A call of the shared tier that is told as `tier-called`. */
export type TierOperation = Exclude<
  keyof SharedTier,
  | 'kind'
  | 'name'
  | 'shards'
  | 'shardOf'
  | 'commandTimeoutMs'
  | 'pollMs'
  | 'maxEntryBytes'
  | 'breakerState'
  | 'fencing'
  | 'readOne'
  | 'subscribe'
  | 'inspect'
  | 'close'
>

/** The same tier, which tells how long each call took and whether it failed, while somebody listens. */
export function toldTier(tier: SharedTier, { clock, events }: { clock: Clock; events: Events }): SharedTier {
  const tell = (operation: TierOperation, startedAt: number, failed: boolean): void =>
    events.emit({ type: 'tier-called', tier: tier.name, operation, durationMs: clock.now() - startedAt, failed })
  const told = <A extends unknown[], R>(operation: TierOperation, call: (...args: A) => Promise<R>) => {
    const timed = async (...args: A): Promise<R> => {
      const startedAt = clock.now()
      let failed = true
      try {
        const reply = await call(...args)
        failed = false
        return reply
      } finally {
        tell(operation, startedAt, failed)
      }
    }
    return (...args: A): Promise<R> => (events.hears('tier-called') ? timed(...args) : call(...args))
  }
  const readOne: SharedTier['readOne'] = (key, use, failed) => {
    if (!events.hears('tier-called')) return tier.readOne(key, use, failed)
    const startedAt = clock.now()
    return tier.readOne(
      key,
      (envelope, serverNowMs) => {
        tell('read', startedAt, false)
        return use(envelope, serverNowMs)
      },
      (error) => {
        tell('read', startedAt, true)
        return failed(error)
      },
    )
  }
  const { kind, name, shards, commandTimeoutMs, pollMs, maxEntryBytes, fencing } = tier
  return {
    kind,
    name,
    shards,
    commandTimeoutMs,
    pollMs,
    maxEntryBytes,
    fencing,
    breakerState: tier.breakerState?.bind(tier),
    shardOf: (namespace) => tier.shardOf(namespace),
    read: told('read', tier.read.bind(tier)),
    readOne,
    control: told('control', tier.control.bind(tier)),
    acquire: told('acquire', tier.acquire.bind(tier)),
    commit: told('commit', tier.commit.bind(tier)),
    renew: told('renew', tier.renew.bind(tier)),
    release: told('release', tier.release.bind(tier)),
    fail: told('fail', tier.fail.bind(tier)),
    follow: told('follow', tier.follow.bind(tier)),
    set: told('set', tier.set.bind(tier)),
    delete: told('delete', tier.delete.bind(tier)),
    bump: told('bump', tier.bump.bind(tier)),
    endEpoch: told('endEpoch', tier.endEpoch.bind(tier)),
    tail: told('tail', tier.tail.bind(tier)),
    logSince: told('logSince', tier.logSince.bind(tier)),
    subscribe: tier.subscribe?.bind(tier),
    deletePattern: tier.deletePattern && told('deletePattern', tier.deletePattern.bind(tier)),
    reclaim: tier.reclaim && told('reclaim', tier.reclaim.bind(tier)),
    inspect: tier.inspect?.bind(tier),
    close: () => tier.close(),
    // Optional parts of the port as well: one that is forgotten here would be lost.
  } satisfies { [Part in keyof Required<SharedTier>]: SharedTier[Part] }
}
