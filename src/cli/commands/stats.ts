import type { CacheStats } from '../../core/stats.js'
import { parseStoredKey } from '../../core/stored-key.js'
import type { ConsoleSnapshot } from '../../observe/console/console-snapshot.js'
import type { CliIo } from '../cli-io.js'
import { type CliCall, type CliCommand, EXIT } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { wholeNumber } from '../numbers.js'
import type { RedisAccess } from '../redis-access.js'
import { globLiteral, scanKeys } from '../scan-keys.js'
import { bytesText, coloursOf, percentText, printable, tableLines } from '../table.js'

export const stats: CliCommand = {
  name: 'stats',
  summary: 'Counts of a running service; or what Redis holds of a cache, by policy and tenant.',
  options: [
    ['--limit <keys>', 'how many keys of Redis to count at most', '100000'],
    ['--top <n>', 'how many tenants to show', '10'],
  ],
  run: (call) => {
    const { options } = call
    const bounds = {
      limit: wholeNumber(options.limit, '--limit', [1, 1e9]),
      top: wholeNumber(options.top, '--top', [1, 1_000]),
    }
    return connected(call, (connection) => run(call, connection, bounds))
  },
}

/** Of what is shown of Redis. */
interface Bounds {
  readonly limit: number
  readonly top: number
}

async function run(call: CliCall, connection: Connection, bounds: Bounds): Promise<0 | 1> {
  const { options, io } = call
  if (connection.kind === 'redis') return showHeld(call, connection.redis, bounds)
  const snapshot = (await connection.service.get('/snapshot')) as unknown as ConsoleSnapshot
  if (options.json === true) io.out(JSON.stringify(snapshot))
  else for (const line of snapshotLines(snapshot, io)) io.out(line)
  return snapshot.caches.every(({ health }) => health.status === 'pass') ? EXIT.done : EXIT.found
}

function snapshotLines({ caches }: ConsoleSnapshot, io: CliIo): string[] {
  const colours = coloursOf(io)
  return caches.flatMap(({ name, health, stats: counts }) => {
    const isWell = health.status === 'pass'
    const state = isWell ? colours.green(`✓ ${health.status}`) : colours.yellow(`! ${health.status}`)
    return [
      `${colours.bold(name)}  ${state}  ${health.message ?? ''}`.trimEnd(),
      `${counts.requests} requests, ${percentText(counts.hitRatio)} answered without waiting, ${counts.tenants} tenants`,
      '',
      ...policyLines(counts, io),
      '',
      ...tierLines(counts, io),
    ]
  })
}

function policyLines({ policies }: CacheStats, io: CliIo): string[] {
  const rows = Object.entries(policies)
    .sort(([, a], [, b]) => b.requests - a.requests)
    .map(([name, counts]) => [
      name,
      String(counts.requests),
      percentText(counts.hitRatio),
      String(counts.fills),
      String(counts.fillErrors),
      counts.fills === 0 ? '–' : `${(counts.fillMs.totalMs / counts.fills).toFixed(1)} ms`,
    ])
  return tableLines(['policy', 'requests', 'hits', 'fills', 'errors', 'mean fill'], rows, coloursOf(io))
}

function tierLines({ tiers }: CacheStats, io: CliIo): string[] {
  const rows = Object.entries(tiers).map(([name, tier]) => [
    name,
    String(tier.hits),
    tier.entries === undefined ? '–' : String(tier.entries),
    tier.bytes === undefined ? '–' : bytesText(tier.bytes),
    tier.evicted === undefined ? '–' : String(tier.evicted),
    tier.errors === undefined ? '–' : String(tier.errors),
  ])
  return tableLines(['tier', 'hits', 'entries', 'size', 'evicted', 'errors'], rows, coloursOf(io))
}

/** What Redis holds, counted by walking over its keys. */
interface Held {
  counted: number
  /** False: there is more than `--limit`. */
  isAll: boolean
  readonly policies: Map<string, number>
  readonly tenants: Map<string, number>
}

async function showHeld({ options, io }: CliCall, redis: RedisAccess, { limit, top }: Bounds): Promise<0> {
  const held = await countHeld(redis, limit, io.signal)
  const policies = [...held.policies].sort(([, a], [, b]) => b - a)
  const tenants = [...held.tenants].sort(([, a], [, b]) => b - a).slice(0, top)
  if (options.json === true) {
    const { counted, isAll } = held
    const shown = { policies: Object.fromEntries(policies), tenants: Object.fromEntries(tenants) }
    io.out(JSON.stringify({ counted, isAll, tenantCount: held.tenants.size, ...shown }))
    return EXIT.done
  }
  const colours = coloursOf(io)
  io.out(`${held.counted} entries${held.isAll ? '' : ' counted; there are more (--limit)'} at ${redis.address}`)
  const lines = (title: string, counts: [string, number][]): string[] =>
    counts.length === 0
      ? []
      : [
          '',
          ...tableLines(
            [title, 'entries'],
            counts.map(([name, count]) => [printable(name), String(count)]),
            colours,
          ),
        ]
  for (const line of [...lines('policy', policies), ...lines('tenant', tenants)]) io.out(line)
  return EXIT.done
}

async function countHeld(redis: RedisAccess, limit: number, signal: AbortSignal): Promise<Held> {
  const begin = redis.layout.data('').slice(0, -1)
  const held: Held = { counted: 0, isAll: true, policies: new Map(), tenants: new Map() }
  for await (const { keys, cursor } of scanKeys(redis, { match: `${globLiteral(begin)}*`, signal })) {
    for (const key of keys) {
      const parsed = parseStoredKey(key.slice(begin.length, -1))
      if (parsed === undefined) continue
      const { tenant, policy } = ownerOf(parsed.spacePrefix)
      held.counted++
      held.policies.set(policy, (held.policies.get(policy) ?? 0) + 1)
      held.tenants.set(tenant, (held.tenants.get(tenant) ?? 0) + 1)
    }
    if (held.counted < limit) continue
    held.isAll = cursor === '0'
    break
  }
  return held
}

/** `5:org-7|units@1` → tenant and policy. */
function ownerOf(spacePrefix: string): { tenant: string; policy: string } {
  const at = spacePrefix.lastIndexOf('|')
  return { tenant: spacePrefix.slice(spacePrefix.indexOf(':') + 1, at), policy: spacePrefix.slice(at + 1) }
}
