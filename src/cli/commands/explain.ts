import type { Explanation } from '../../core/explain.js'
import { type WantedEntry, wantedEntry } from '../cli-policy.js'
import { type CliCall, type CliCommand, EXIT } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { coloursOf, printable, tableLines } from '../table.js'

export const explain: CliCommand = {
  name: 'explain',
  summary: 'Why a read of one key would hit or miss: which tier holds what, who invalidated it.',
  operands: [
    ['<policy>', "the policy's name, or name@version"],
    ['<key>', 'the key'],
  ],
  options: [
    ['--tenant <id>', 'whose entry; without it the one outside any tenant'],
    ['--number', 'the key is a number'],
  ],
  run: (call) => {
    const wanted = wantedEntry(call)
    return connected(call, (connection) => run(call, connection, wanted))
  },
}

async function run({ options, io }: CliCall, connection: Connection, wanted: WantedEntry): Promise<0> {
  const explanation = await ask(connection, wanted)
  if (options.json === true) io.out(JSON.stringify(explanation))
  else for (const line of lines(explanation, coloursOf(io))) io.out(line)
  return EXIT.done
}

async function ask(connection: Connection, { policy, stored, key, tenant }: WantedEntry): Promise<Explanation> {
  if (connection.kind === 'service') {
    const named: Record<string, string> = typeof key === 'number' ? { number: String(key) } : { key }
    return (await connection.service.get('/explain', { policy, tenant, ...named })) as unknown as Explanation
  }
  const cache = connection.redis.cache()
  return (tenant === '' ? cache : cache.tenant(tenant)).explain(stored, key)
}

function lines(explanation: Explanation, colours: ReturnType<typeof coloursOf>): string[] {
  const { policy, version, tenant, key, answer, tiers, flights, isLeased, invalidations } = explanation
  const subject = `${policy}@${version} ${printable(String(key))}${tenant === '' ? '' : ` of ${printable(tenant)}`}`
  const invalidated = invalidations.map(({ atMs, source, sender, tags, clear, soft }) => {
    const what = clear ? 'everything' : tags.length > 0 ? tags.map(printable).join(', ') : 'the entry'
    return [new Date(atMs).toISOString(), what, soft ? 'soft' : 'hard', source, sender]
  })
  return [
    `${colours.bold(subject)}: a read is answered by ${answer === 'fill' ? colours.yellow('a fill') : colours.green(answer)}`,
    ...tiers.map(({ tier, state, why }) => `  ${tier.padEnd(8)} ${state.padEnd(10)} ${why}`),
    ...flights.map(({ startedMsAgo, waiters }) => `  flight   since ${Math.round(startedMsAgo)} ms, ${waiters} wait`),
    ...(isLeased ? ['  lease    somebody is filling it'] : []),
    ...(invalidated.length === 0
      ? []
      : ['', ...tableLines(['invalidated at', 'what', 'how', 'heard', 'by'], invalidated, colours)]),
  ]
}
