import { setTimeout as pause } from 'node:timers/promises'
import { namespaceId } from '../../core/stored-key.js'
import { badInput } from '../cli-error.js'
import type { CliIo } from '../cli-io.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { connectedToRedis } from '../connection.js'
import { wholeNumber } from '../numbers.js'
import type { RedisAccess } from '../redis-access.js'
import { globLiteral, scanKeys } from '../scan-keys.js'

/** What was done, and where to go on. */
interface PurgeReceipt {
  readonly tenant: string
  readonly isDryRun: boolean
  /** Token of the clear that came first; undefined for a dry run and when resumed. */
  cleared?: string
  /** Keys of all kinds that were found, by what they hold. */
  readonly found: { entries: number; leases: number; markers: number }
  deleted: number
  steps: number
  /** Where to go on; '0' = all was looked at. */
  cursor: string
  isDone: boolean
}

const KEYS_PER_UNLINK = 500
const PROGRESS_EVERY_MS = 1_000

export const purge: CliCommand = {
  name: 'purge',
  summary: 'Takes everything of a tenant out of Redis, gently; can be interrupted and resumed.',
  operands: [['<tenant>', 'the id of the tenant']],
  options: [
    ['--yes', 'do it'],
    ['--dry-run', 'only count'],
    ['--rate <keys>', 'keys deleted a second, at most', '5000'],
    ['--resume <cursor>', 'go on where an interrupted run stopped'],
  ],
  run: (call) => {
    const plan = checkPlan(call)
    return connectedToRedis(call, (redis) => run(call, redis, plan))
  },
}

interface Plan {
  readonly tenant: string
  readonly isDryRun: boolean
  readonly keysPerSecond: number
  readonly resumed: string | undefined
}

function checkPlan({ operands, options }: CliCall): Plan {
  const [tenant = ''] = operands
  if (tenant === '') throw badInput('Name the tenant; what is outside any tenant cannot be purged.')
  const isDryRun = options.dryRun === true
  if (!isDryRun && options.yes !== true) {
    throw badInput(`This deletes everything of tenant '${tenant}'. Say --yes, or look first with --dry-run.`)
  }
  const resumed = options.resume as string | undefined
  if (resumed !== undefined && !/^\d{1,20}$/.test(resumed))
    throw badInput('--resume must be a cursor that a run named.')
  return { tenant, isDryRun, keysPerSecond: wholeNumber(options.rate, '--rate', [1, 1_000_000]), resumed }
}

/** First everything is invalidated, in every process and at once; then the room is taken back, step by step. */
async function run({ options, io }: CliCall, redis: RedisAccess, plan: Plan): Promise<ExitCode> {
  const { tenant, isDryRun, resumed = '0' } = plan
  const found = { entries: 0, leases: 0, markers: 0 }
  const receipt: PurgeReceipt = { tenant, isDryRun, found, deleted: 0, steps: 0, cursor: resumed, isDone: false }
  const scope = redis.cache().tenant(tenant)
  if (!isDryRun && plan.resumed === undefined) receipt.cleared = (await scope.clear()).token
  try {
    await reclaim(redis, plan, receipt, io)
    receipt.isDone = true
  } catch (error) {
    if (!io.signal.aborted) throw error
  }
  tell(receipt, options.json === true, io)
  return receipt.isDone ? EXIT.done : EXIT.interrupted
}

async function reclaim(redis: RedisAccess, plan: Plan, receipt: PurgeReceipt, io: CliIo): Promise<void> {
  const { data, lease, marker } = prefixes(redis, plan.tenant)
  const common = data.slice(0, data.indexOf('d:{'))
  const match = `${globLiteral(common)}[dlm]:{${globLiteral(namespaceId(plan.tenant))}|*`
  let toldAt = performance.now()
  for await (const { cursor, keys } of scanKeys(redis, { match, from: receipt.cursor, signal: io.signal })) {
    for (const key of keys) {
      if (key.startsWith(data)) receipt.found.entries++
      else if (key.startsWith(lease)) receipt.found.leases++
      else if (key.startsWith(marker)) receipt.found.markers++
    }
    if (!plan.isDryRun) {
      receipt.deleted += await unlink(redis, keys)
      await pause((keys.length / plan.keysPerSecond) * 1_000)
    }
    // Only now is this step done: an interruption repeats it, which does no harm.
    receipt.cursor = cursor
    receipt.steps++
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) continue
    toldAt = performance.now()
    if (io.hasColour) io.err(`… ${receipt.deleted} keys deleted in ${receipt.steps} steps, at ${cursor}`)
  }
}

async function unlink(redis: RedisAccess, keys: readonly string[]): Promise<number> {
  let deleted = 0
  for (let from = 0; from < keys.length; from += KEYS_PER_UNLINK) {
    deleted += Number(await redis.command('UNLINK', ...keys.slice(from, from + KEYS_PER_UNLINK)))
  }
  return deleted
}

/** How the names of a tenant's keys begin, by kind. */
function prefixes({ layout }: RedisAccess, tenant: string): { data: string; lease: string; marker: string } {
  const begin = `${namespaceId(tenant)}|`
  const cut = (name: string): string => name.slice(0, -1)
  return { data: cut(layout.data(begin)), lease: cut(layout.lease(begin)), marker: cut(layout.marker(begin)) }
}

function tell(receipt: PurgeReceipt, isJson: boolean, io: CliIo): void {
  if (isJson) {
    io.out(JSON.stringify(receipt))
    return
  }
  const { entries, leases, markers } = receipt.found
  io.out(`${receipt.isDryRun ? 'Found' : 'Took out'} ${entries} entries, ${leases} leases and ${markers} markers.`)
  if (!receipt.isDryRun) io.out(`${receipt.deleted} keys were deleted.`)
  if (!receipt.isDone) io.out(`Stopped. Go on with: --resume ${receipt.cursor}`)
}
