import { InvalidOptionError } from './errors.js'
import { checkFields, checkSignal } from './options.js'
import type { Clock } from './ports/clock.js'
import type { SharedTier } from './ports/shared-tier.js'
import type { Scope } from './scope.js'
import { namespaceId } from './stored-key.js'

export interface PurgeOptions {
  /** Keys deleted in a second, at most: 1 to 1,000,000. Default 5000. */
  keysPerSecond?: number | undefined
  /** Only counts; nothing is cleared or deleted. Default false. */
  dryRun?: boolean | undefined
  /** The `cursor` of a purge that was stopped: goes on there, and clears nothing again. Default: from the beginning. */
  from?: string | undefined
  /** Ends it between two steps; the receipt says where to go on. One that is aborted before rejects with its reason. */
  signal?: AbortSignal | undefined
  /** Told after each step what was done so far. Must not throw. */
  onStep?: ((soFar: PurgeReceipt) => void) | undefined
}

/** What a purge did or, as a dry run, found. */
export interface PurgeReceipt {
  readonly tenant: string
  readonly isDryRun: boolean
  /** Token of the clear that came first; absent for a dry run, and for one that went on. */
  readonly cleared?: string | undefined
  /** What the shared tier held of the tenant. */
  readonly found: { readonly entries: number; readonly leases: number }
  readonly deleted: number
  /** Steps of the walk over the server's keyspace, about a thousand keys each. */
  readonly steps: number
  /** Where to go on; '0' if everything was looked at. */
  readonly cursor: string
  /** False: it was stopped before. */
  readonly isDone: boolean
}

interface PurgeParts {
  readonly scope: Scope
  readonly shared: SharedTier | undefined
  readonly clock: Clock
  /** Throws once the cache is closed. */
  readonly checkOpen: () => void
}

interface Plan {
  readonly keysPerSecond: number
  readonly dryRun: boolean
  readonly from: string | undefined
  readonly signal: AbortSignal | undefined
  readonly onStep: ((soFar: PurgeReceipt) => void) | undefined
}

const BEGINNING = '0'
const MAX_KEYS_PER_SECOND = 1_000_000
const FIELDS = ['keysPerSecond', 'dryRun', 'from', 'signal', 'onStep']

/**
 * First everything of a tenant is invalidated, in every process and at once; then its room in the shared tier is taken
 * back, step by step and not faster than asked. What fills meanwhile may be deleted again: a miss, never an old value.
 * Markers of replica lag stay: they end by themselves, and until then keep old rows out.
 */
export async function purgeTenant(
  { scope, shared, clock, checkOpen }: PurgeParts,
  options: PurgeOptions | undefined,
): Promise<PurgeReceipt> {
  const plan = checkPlan(options === undefined ? {} : options)
  plan.signal?.throwIfAborted()
  const { dryRun, signal, onStep } = plan
  const tenant = scope.tenantId
  const cleared = dryRun || plan.from !== undefined ? {} : { cleared: (await scope.clear()).token }
  let receipt: PurgeReceipt = {
    tenant,
    isDryRun: dryRun,
    ...cleared,
    found: { entries: 0, leases: 0 },
    deleted: 0,
    steps: 0,
    cursor: plan.from ?? BEGINNING,
    isDone: false,
  }
  // Without a shared tier nothing is left to do: what is dead leaves memory and disk as room is needed.
  if (shared?.reclaim === undefined) return { ...receipt, cursor: BEGINNING, isDone: true }
  while (!receipt.isDone && !signal?.aborted) {
    checkOpen()
    const step = await shared.reclaim(namespaceId(tenant), { cursor: receipt.cursor, dryRun })
    receipt = {
      ...receipt,
      found: { entries: receipt.found.entries + step.entries, leases: receipt.found.leases + step.leases },
      deleted: receipt.deleted + step.deleted,
      steps: receipt.steps + 1,
      cursor: step.next ?? BEGINNING,
      isDone: step.next === undefined,
    }
    onStep?.(receipt)
    if (!receipt.isDone) await pause(clock, (1_000 * step.deleted) / plan.keysPerSecond, signal)
  }
  return receipt
}

function checkPlan(options: PurgeOptions): Plan {
  const {
    keysPerSecond = 5_000,
    dryRun = false,
    from,
    signal,
    onStep,
  } = checkFields(options, FIELDS, 'purge') as PurgeOptions
  if (!Number.isInteger(keysPerSecond) || keysPerSecond < 1 || keysPerSecond > MAX_KEYS_PER_SECOND) {
    const rule = `must be a whole number from 1 to ${MAX_KEYS_PER_SECOND}`
    throw new InvalidOptionError({ field: 'purge.keysPerSecond', value: keysPerSecond, rule })
  }
  if (typeof dryRun !== 'boolean') {
    throw new InvalidOptionError({ field: 'purge.dryRun', value: dryRun, rule: 'must be true or false' })
  }
  if (from !== undefined && (typeof from !== 'string' || !/^(\d{1,5}:\d{1,4}:)?\d{1,20}$/.test(from))) {
    throw new InvalidOptionError({ field: 'purge.from', value: from, rule: 'must be the cursor of a receipt' })
  }
  checkSignal(signal, 'purge.signal')
  if (onStep !== undefined && typeof onStep !== 'function') {
    throw new InvalidOptionError({ field: 'purge.onStep', value: onStep, rule: 'must be a function' })
  }
  return { keysPerSecond, dryRun, from, signal, onStep }
}

/** Resolves after `delayMs`, or as soon as somebody wants it to end. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  if (delayMs <= 0 || signal?.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.setTimer(end, delayMs)
    signal?.addEventListener('abort', end)
  })
}
