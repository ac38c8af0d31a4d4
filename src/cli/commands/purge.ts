import type { PurgeReceipt } from '../../core/purge.js'
import { badInput } from '../cli-error.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { wholeNumber } from '../numbers.js'
import type { Service } from '../service.js'

const PROGRESS_EVERY_MS = 1_000

export const purge: CliCommand = {
  name: 'purge',
  summary: 'Takes everything of a tenant out of the shared tier, gently; can be interrupted and resumed.',
  operands: [['<tenant>', 'the id of the tenant']],
  options: [
    ['--yes', 'do it'],
    ['--dry-run', 'only count'],
    ['--rate <keys>', 'keys deleted a second, at most', '5000'],
    ['--resume <cursor>', 'go on where an interrupted run stopped'],
  ],
  run: (call) => {
    const plan = checkPlan(call)
    return connected(call, (connection) => run(call, connection, plan))
  },
}

interface Plan {
  readonly tenant: string
  readonly dryRun: boolean
  readonly keysPerSecond: number
  readonly from: string | undefined
}

function checkPlan({ operands, options }: CliCall): Plan {
  const [tenant = ''] = operands
  if (tenant === '') throw badInput('Name the tenant; what is outside any tenant cannot be purged.')
  const dryRun = options.dryRun === true
  if (!dryRun && options.yes !== true) {
    throw badInput(`This deletes everything of tenant '${tenant}'. Say --yes, or look first with --dry-run.`)
  }
  const from = options.resume as string | undefined
  if (from !== undefined && !/^(\d{1,5}:\d{1,4}:)?\d{1,20}$/.test(from))
    throw badInput('--resume must be a cursor that a run named.')
  return { tenant, dryRun, keysPerSecond: wholeNumber(options.rate, '--rate', [1, 1_000_000]), from }
}

async function run({ options, io }: CliCall, connection: Connection, plan: Plan): Promise<ExitCode> {
  let toldAt = performance.now()
  const onStep = ({ deleted, steps, cursor }: PurgeReceipt): void => {
    if (!io.hasColour || performance.now() - toldAt < PROGRESS_EVERY_MS) return
    toldAt = performance.now()
    io.err(`… ${deleted} keys deleted in ${steps} steps, at ${cursor}`)
  }
  const { tenant, ...how } = plan
  const { signal } = io
  const receipt =
    connection.kind === 'service'
      ? await purgeThere(connection.service, plan, { signal, onStep })
      : await connection.redis.cache().purge(tenant, { ...how, signal, onStep })
  if (options.json === true) io.out(JSON.stringify(receipt))
  else tell(receipt, io.out)
  return receipt.isDone ? EXIT.done : EXIT.interrupted
}

/** A service answers every two seconds how far it is, and goes on when it is asked to. */
async function purgeThere(
  service: Service,
  plan: Plan,
  { signal, onStep }: { signal: AbortSignal; onStep: (soFar: PurgeReceipt) => void },
): Promise<PurgeReceipt> {
  const leg = async (from: string | undefined): Promise<PurgeReceipt> => {
    const told = await service.post('/purge', { ...plan, from })
    const { done: _done, cache: _cache, ...receipt } = told as unknown as PurgeReceipt & { done: string; cache: string }
    return receipt
  }
  let sum = await leg(plan.from)
  while (!sum.isDone && !signal.aborted) {
    onStep(sum)
    try {
      sum = added(sum, await leg(sum.cursor))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
  return sum
}

function added(before: PurgeReceipt, next: PurgeReceipt): PurgeReceipt {
  const { entries, leases } = before.found
  return {
    ...before,
    found: { entries: entries + next.found.entries, leases: leases + next.found.leases },
    deleted: before.deleted + next.deleted,
    steps: before.steps + next.steps,
    cursor: next.cursor,
    isDone: next.isDone,
  }
}

function tell({ found, deleted, isDryRun, isDone, cursor }: PurgeReceipt, out: (line: string) => void): void {
  const { entries, leases } = found
  out(`${isDryRun ? 'Found' : 'Took out'} ${entries} entries and ${leases} leases.`)
  if (!isDryRun) out(`${deleted} keys were deleted.`)
  if (!isDone) out(`Stopped. Go on with: --resume ${cursor}`)
}
