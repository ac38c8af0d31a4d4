import { errorText } from '../core/error-text.js'
import type { Clock } from '../core/ports/clock.js'
import type { NodeInspection } from '../core/ports/shared-tier.js'
import type { RedisCommand } from './redis-connection.js'
import type { RedisGuard } from './redis-guard.js'
import { infoReply, isReply, timeReply } from './redis-replies.js'

/** Names of the tier's own that a server is asked about. */
export interface InspectedNames {
  readonly logs: readonly string[]
  /** Undefined where nothing is published. */
  readonly channel: string | undefined
}

/** Every server; if they are not known, why. */
export async function inspectNodes(
  guard: RedisGuard,
  clock: Clock,
  names: InspectedNames,
): Promise<readonly NodeInspection[]> {
  try {
    const nodes = await guard.everyName()
    return await Promise.all(nodes.map((name) => inspectNode(guard, clock, { name, ...names })))
  } catch (error) {
    return [{ name: '', error: errorText(error) }]
  }
}

/** What one server says about itself, and what it allows this user. */
async function inspectNode(
  guard: RedisGuard,
  clock: Clock,
  { name, logs, channel }: InspectedNames & { readonly name: string },
): Promise<NodeInspection> {
  try {
    // A server that is not there answers none of these; one that forbids it, the others.
    const measured = await clockOf(guard, clock, name)
    const info = await answerTo(guard, name, ['INFO'])
    const fields = 'reply' in info ? infoReply(info.reply) : new Map<string, string>()
    const ownLogs = logs.filter((log) => guard.nodeOf(log) === name).slice(0, 1)
    const scripts = await answerTo(guard, name, ['EVAL', 'return 1', String(ownLogs.length), ...ownLogs])
    // Whoever listens takes it for no row.
    const publish = channel === undefined ? { reply: 0 } : await answerTo(guard, name, ['PUBLISH', channel, ''])
    const number = (field: string): number | undefined => {
      const value = Number(fields.get(field) ?? Number.NaN)
      return Number.isFinite(value) ? value : undefined
    }
    return {
      name,
      version: fields.get('redis_version'),
      role: fields.get('role'),
      usedBytes: number('used_memory'),
      maxBytes: number('maxmemory'),
      evictionPolicy: fields.get('maxmemory_policy'),
      evictedKeys: number('evicted_keys'),
      replicas: number('connected_slaves'),
      appendOnly: flag(fields.get('aof_enabled')),
      snapshots: await hasSnapshots(guard, name),
      scripts: 'reply' in scripts && isReply(scripts.reply),
      refused: { scripts: scripts.refused, publish: publish.refused, info: info.refused },
      ...measured,
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

async function answerTo(
  guard: RedisGuard,
  name: string,
  command: RedisCommand,
): Promise<{ reply: unknown; refused?: undefined } | { refused: string }> {
  try {
    return { reply: await guard.sendTo(name, command) }
  } catch (error) {
    return { refused: errorText(error) }
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
