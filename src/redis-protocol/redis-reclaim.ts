import type { NamespaceId, ReclaimRequest, ReclaimStep } from '../core/ports/shared-tier.js'
import { escapeForRedis } from './glob.js'
import type { RedisGuard } from './redis-guard.js'
import type { RedisLayout } from './redis-layout.js'
import { scanReply, wholeReply } from './redis-replies.js'

/** Keys that a server looks at in one step: about a third of a millisecond. */
const STEP = 1_000
const KEYS_PER_UNLINK = 500

/**
 * One `SCAN` on one primary, and `UNLINK` of what it found of a namespace. The server is free between two steps. The
 * cursor is that of the only server, or `<which primary>:<its cursor>`.
 */
export async function reclaimStep(
  guard: RedisGuard,
  layout: RedisLayout,
  namespace: NamespaceId,
  { cursor, dryRun }: ReclaimRequest,
): Promise<ReclaimStep> {
  const nodes = [...(await guard.everyName())].sort()
  const [at = '0', index = '0'] = cursor.split(':').reverse()
  const node = nodes[Number(index)]
  // The cluster has become smaller.
  if (node === undefined) return { entries: 0, leases: 0, deleted: 0, next: undefined }
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
    next: nextCursor(found.cursor, Number(index), nodes.length),
  }
}

function nextCursor(at: string, index: number, nodes: number): string | undefined {
  if (nodes === 1) return at === '0' ? undefined : at
  if (at !== '0') return `${index}:${at}`
  return index + 1 < nodes ? `${index + 1}:0` : undefined
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
