import { errorText } from '../core/error-text.js'
import type { Clock } from '../core/ports/clock.js'
import type { NodeInspection } from '../core/ports/shared-tier.js'
import type { RedisGuard } from './redis-guard.js'
import { infoReply, isReply, timeReply } from './redis-replies.js'

/** What one server says about itself. */
export async function inspectNode(guard: RedisGuard, clock: Clock, name: string): Promise<NodeInspection> {
  try {
    const info = infoReply(await guard.sendTo(name, ['INFO']))
    const number = (field: string): number | undefined => {
      const value = Number(info.get(field) ?? Number.NaN)
      return Number.isFinite(value) ? value : undefined
    }
    return {
      name,
      version: info.get('redis_version'),
      role: info.get('role'),
      usedBytes: number('used_memory'),
      maxBytes: number('maxmemory'),
      evictionPolicy: info.get('maxmemory_policy'),
      evictedKeys: number('evicted_keys'),
      replicas: number('connected_slaves'),
      appendOnly: flag(info.get('aof_enabled')),
      snapshots: await hasSnapshots(guard, name),
      scripts: await runsScripts(guard, name),
      ...(await clockOf(guard, clock, name)),
    }
  } catch (error) {
    return { name, error: errorText(error) }
  }
}

/** The offset is exact to half the round trip. */
async function clockOf(
  guard: RedisGuard,
  clock: Clock,
  name: string,
): Promise<{ clockOffsetMs: number; roundTripMs: number }> {
  const sentAt = clock.now()
  const wallAt = clock.wallNow()
  const serverMs = timeReply(await guard.sendTo(name, ['TIME']))
  const roundTripMs = clock.now() - sentAt
  return { clockOffsetMs: Math.round(serverMs - wallAt - roundTripMs / 2), roundTripMs }
}

async function runsScripts(guard: RedisGuard, name: string): Promise<boolean> {
  try {
    return isReply(await guard.sendTo(name, ['EVAL', 'return 1', '0']))
  } catch {
    return false
  }
}

/** Undefined where the server does not let us see its settings. */
async function hasSnapshots(guard: RedisGuard, name: string): Promise<boolean | undefined> {
  try {
    const reply = await guard.sendTo(name, ['CONFIG', 'GET', 'save'])
    // RESP2 answers a list, RESP3 a map, which a client may hand on as an object.
    const value: unknown = Array.isArray(reply) ? reply[1] : (reply as { save?: unknown } | null)?.save
    return typeof value === 'string' ? value !== '' : undefined
  } catch {
    return undefined
  }
}

function flag(value: string | undefined): boolean | undefined {
  return value === undefined ? undefined : value === '1'
}
