import type { NamespaceId, ReclaimRequest, ReclaimStep } from '../core/ports/shared-tier.js'
import { escapeForRedis } from './glob.js'
import type { RedisGuard } from './redis-guard.js'
import type { RedisLayout } from './redis-layout.js'
import { scanReply, wholeReply } from './redis-replies.js'
import { crc16 } from './redis-slot.js'

/** Keys that a server looks at in one step: about a third of a millisecond. */
const STEP = 1_000
const KEYS_PER_UNLINK = 500

/**
 * One `SCAN` on one primary, and `UNLINK` of what it found of a namespace. The server is free between two steps. The
 * cursor is that of the only server, or `<a sum of the primaries>:<which of them>:<its cursor>`: where they change on the
 * way, the walk begins anew, because what was elsewhere may lie where it has been already.
 */
export async function reclaimStep(
  guard: RedisGuard,
  layout: RedisLayout,
  namespace: NamespaceId,
  { cursor, dryRun }: ReclaimRequest,
): Promise<ReclaimStep> {
  const nodes = [...(await guard.everyName())].sort()
  const walk = nodes.length === 1 ? '' : `${crc16(nodes.join())}:`
  const isSameWalk = cursor.startsWith(walk) && cursor.split(':').length === (walk === '' ? 1 : 3)
  const [at = '0', index = '0'] = isSameWalk ? cursor.split(':').reverse() : []
  const node = nodes[Number(index)]!
  const data = layout.data(`${namespace}|`).slice(0, -1)
  const lease = layout.lease(`${namespace}|`).slice(0, -1)
  const match = `${escapeForRedis(layout.base)}[dl]${escapeForRedis(data.slice(layout.base.length + 1))}*`
  const found = scanReply(await guard.sendTo(node, ['SCAN', at, 'MATCH', match, 'COUNT', String(STEP)]))
  // A step may name a key twice.
  const names = [...new Set(found.names)].filter((name) => name.startsWith(data) || name.startsWith(lease))
  const entries = names.filter((name) => name.startsWith(data)).length
  const deleted = dryRun ? 0 : await unlink(guard, names)
  return {
    entries,
    leases: names.length - entries,
    deleted,
    next: nextCursor(found.cursor, Number(index), nodes.length, walk),
  }
}

function nextCursor(at: string, index: number, nodes: number, walk: string): string | undefined {
  if (nodes === 1) return at === '0' ? undefined : at
  if (at !== '0') return `${walk}${index}:${at}`
  return index + 1 < nodes ? `${walk}${index + 1}:0` : undefined
}

/** On Cluster each key by itself: those of one node are of many slots. */
async function unlink(guard: RedisGuard, names: readonly string[]): Promise<number> {
  const size = guard.isCluster ? 1 : KEYS_PER_UNLINK
  const batches = Array.from({ length: Math.ceil(names.length / size) }, (_, batch) =>
    names.slice(batch * size, (batch + 1) * size),
  )
  const replies = await Promise.all(batches.map((batch) => guard.send(['UNLINK', ...batch])))
  return replies.reduce<number>((sum, reply) => sum + wholeReply(reply, 'UNLINK'), 0)
}
