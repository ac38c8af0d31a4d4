import { setTimeout as pause } from 'node:timers/promises'
import { decodeLogPayload, type LogEntry } from '../../core/log-entry.js'
import type { SharedTier } from '../../core/ports/shared-tier.js'
import { STREAMED_EVENTS } from '../../observe/console/console-stream.js'
import { badInput } from '../cli-error.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { wholeNumber } from '../numbers.js'
import type { Service } from '../service.js'
import { coloursOf, printable } from '../table.js'

/** Something that happened. `at`: milliseconds since the Unix epoch. */
type Told = { at: number; type: string } & Record<string, unknown>

const ROWS_PER_LOOK = 256
/** What a service streams, and its word for what it left out. */
const TYPES: ReadonlySet<string> = new Set([...STREAMED_EVENTS, 'dropped'])

export const tail: CliCommand = {
  name: 'tail',
  summary: 'Shows what happens, live: events of a service, or the invalidation log in Redis.',
  options: [
    ['--max <lines>', 'end after so many'],
    ['--interval <ms>', 'how often to look at the log in Redis', '500'],
    ['--type <type...>', 'only events of these types, such as invalidated'],
  ],
  run: (call) => {
    const plan = checkPlan(call)
    return connected(call, (connection) => run(call, connection, plan))
  },
}

interface Plan {
  readonly most: number
  readonly intervalMs: number
  /** Undefined: all of them. */
  readonly types: ReadonlySet<string> | undefined
}

function checkPlan({ options }: CliCall): Plan {
  const types = Array.isArray(options.type) ? (options.type as string[]) : undefined
  // Nobody would ever hear of a type that is misspelt.
  for (const type of types ?? []) {
    if (!TYPES.has(type)) throw badInput(`--type must be one of ${[...TYPES].join(', ')}; got '${type.slice(0, 40)}'.`)
  }
  return {
    most: options.max === undefined ? Infinity : wholeNumber(options.max, '--max', [1, 1e9]),
    intervalMs: wholeNumber(options.interval, '--interval', [50, 60_000]),
    types: types && new Set(types),
  }
}

async function run({ options, io }: CliCall, connection: Connection, plan: Plan): Promise<ExitCode> {
  const { most, intervalMs, types } = plan
  const told =
    connection.kind === 'service'
      ? serviceEvents(connection.service)
      : logEvents(connection.redis.tier(), intervalMs, io.signal)
  const colours = coloursOf(io)
  let lines = 0
  try {
    for await (const event of told) {
      if (types && !types.has(event.type)) continue
      const { at, type, ...rest } = event
      const time = new Date(at).toISOString().slice(11, 23)
      io.out(
        options.json === true ? JSON.stringify(event) : `${colours.dim(time)} ${typed(type, colours)} ${fields(rest)}`,
      )
      if (++lines >= most) return EXIT.done
    }
  } catch (error) {
    if (!io.signal.aborted) throw error
  }
  return io.signal.aborted ? EXIT.interrupted : EXIT.unreachable
}

async function* serviceEvents(service: Service): AsyncGenerator<Told> {
  for await (const { event, data } of service.events('/events')) {
    if (event === 'cache') yield data as Told
    if (event === 'dropped') yield { at: Date.now(), type: 'dropped', ...data }
  }
}

/** Rows that come after this moment. */
async function* logEvents(tier: SharedTier, intervalMs: number, signal: AbortSignal): AsyncGenerator<Told> {
  const from = await Promise.all(
    Array.from({ length: tier.shards }, async (_, shard) => (await tier.tail(shard)).row?.id),
  )
  while (!signal.aborted) {
    for (let shard = 0; shard < tier.shards; shard++) {
      const { rows } = await tier.logSince(shard, from[shard] ?? '0-0', ROWS_PER_LOOK)
      for (const { id, payload } of rows) {
        if (id === from[shard]) continue
        from[shard] = id
        const entry = decodeLogPayload(payload)
        if (entry) yield { at: Number(id.split('-')[0]), type: 'invalidated', ...shownEntry(entry) }
      }
    }
    await pause(intervalMs, undefined, { signal })
  }
}

function shownEntry(entry: LogEntry): Record<string, unknown> {
  const { namespace, soft } = entry
  const tenant = namespace.slice(namespace.indexOf(':') + 1)
  if (entry.type === 'entries') return { tenant, keys: entry.keys, soft }
  return { tenant, tags: entry.tags, clear: entry.clear, soft }
}

function typed(type: string, colours: ReturnType<typeof coloursOf>): string {
  const name = type.padEnd(12)
  if (['fill-failed', 'tier-failed', 'log-broken'].includes(type)) return colours.red(`✗ ${name}`)
  if (['fenced', 'lease-lost', 'not-stored', 'dropped'].includes(type)) return colours.yellow(`! ${name}`)
  return colours.green(`· ${name}`)
}

function fields(rest: Record<string, unknown>): string {
  return Object.entries(rest)
    .map(([name, value]) => `${name}=${printable(fieldText(value))}`)
    .join(' ')
}

function fieldText(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : JSON.stringify(value)
}
