import { inspect } from 'node:util'
import { type WantedEntry, wantedEntry } from '../cli-policy.js'
import type { CliCall, CliCommand } from '../command.js'
import { EXIT } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { printable } from '../table.js'

export const get: CliCommand = {
  name: 'get',
  summary: 'What is held of one key: state, age, tier, tags; the value only with --value.',
  operands: [
    ['<policy>', "the policy's name, or name@version"],
    ['<key>', 'the key'],
  ],
  options: [
    ['--tenant <id>', 'whose entry; without it the one outside any tenant'],
    ['--number', 'the key is a number'],
    ['--value', 'show the value, too; a service wants its token for that'],
  ],
  run: (call) => {
    const wanted = wantedEntry(call)
    return connected(call, (connection) => run(call, connection, wanted))
  },
}

async function run({ options, io }: CliCall, connection: Connection, wanted: WantedEntry): Promise<0 | 1> {
  const hasValue = options.value === true
  const entry =
    connection.kind === 'service'
      ? await askService(connection, wanted, hasValue)
      : await askRedis(connection, wanted, hasValue)
  if (options.json === true) io.out(JSON.stringify(entry))
  else for (const [field, value] of Object.entries(entry)) io.out(`${field.padEnd(8)} ${shown(value)}`)
  return entry.state === 'missing' || entry.state === 'failed' ? EXIT.found : EXIT.done
}

async function askService(
  { service }: Extract<Connection, { kind: 'service' }>,
  { policy, key, tenant }: WantedEntry,
  hasValue: boolean,
): Promise<Record<string, unknown>> {
  const named: Record<string, string> = typeof key === 'number' ? { number: String(key) } : { key }
  return service.get('/entry', { policy, tenant, ...named, ...(hasValue && { value: '1' }) })
}

async function askRedis(
  { redis }: Extract<Connection, { kind: 'redis' }>,
  { policy, stored, key, tenant }: WantedEntry,
  hasValue: boolean,
): Promise<Record<string, unknown>> {
  const cache = redis.cache()
  const scope = tenant === '' ? cache : cache.tenant(tenant)
  const found = await scope.getEntry(stored, key, { consistency: 'strict' })
  if (found.state === 'failed') throw found.error
  const { value, ...details } = found
  return { policy, key, tenant, ...details, ...(hasValue && found.state !== 'missing' && { value }) }
}

function shown(value: unknown): string {
  return printable(typeof value === 'string' ? value : inspect(value, { depth: 6, breakLength: Infinity }))
}
