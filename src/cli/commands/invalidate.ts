import type { Policy } from '../../core/policy.js'
import type { Key } from '../../core/ports/local-tier.js'
import { checkTags } from '../../core/tags.js'
import { badInput } from '../cli-error.js'
import { namedEntry, namedPolicy, namedTenant } from '../cli-policy.js'
import { type CliCall, type CliCommand, EXIT } from '../command.js'
import { type Connection, connected } from '../connection.js'

export const invalidate: CliCommand = {
  name: 'invalidate',
  summary: 'Invalidates by tag and by entry, in every process; ends when that is acknowledged.',
  options: [
    ['--tag <tag...>', 'every entry with one of these tags'],
    ['--entry <entry...>', 'single entries: units:key, or units#5 where the key is a number'],
    ['--tenant <id>', 'whose; without it what is outside any tenant'],
    ['--soft', 'leave the entries as stale instead of removing them'],
  ],
  run: (call) => {
    const plan = checkPlan(call)
    return connected(call, (connection) => run(call, connection, plan))
  },
}

interface Plan {
  readonly tenant: string
  readonly tags: readonly string[]
  readonly entries: readonly { readonly policy: string; readonly stored: Policy<Key>; readonly key: Key }[]
  readonly soft: boolean
}

function checkPlan({ options }: CliCall): Plan {
  const tags = checkTags(listed(options.tag), '--tag')
  const entries = listed(options.entry).map((text) => {
    const { policy, key } = namedEntry(text)
    return { policy, stored: namedPolicy(policy), key }
  })
  if (tags.length === 0 && entries.length === 0) throw badInput('Name what to invalidate: --tag or --entry.')
  return { tenant: namedTenant(options.tenant), tags, entries, soft: options.soft === true }
}

async function run({ options, io }: CliCall, connection: Connection, plan: Plan): Promise<0> {
  const { tenant, tags, entries, soft } = plan
  let receipt: unknown
  if (connection.kind === 'service') {
    const pairs = entries.map(({ policy, key }) => [policy, key])
    const body = { tenant, ...(tags.length > 0 && { tags }), ...(pairs.length > 0 && { entries: pairs }), soft }
    receipt = (await connection.service.post('/invalidate', body)).receipt
  } else {
    const cache = connection.redis.cache()
    const scope = tenant === '' ? cache : cache.tenant(tenant)
    const pairs = entries.map(({ stored, key }) => [stored, key] as const)
    receipt = await scope.invalidate({ tags, entries: pairs, soft })
  }
  if (options.json === true) {
    const named = entries.map(({ policy, key }) => ({ policy, key }))
    io.out(JSON.stringify({ done: 'invalidated', tenant, tags, entries: named, soft, receipt }))
  } else io.out(`Invalidated ${summary(tags.length, entries.length)}${soft ? ' softly' : ''}, acknowledged.`)
  return EXIT.done
}

function listed(value: unknown): string[] {
  return Array.isArray(value) ? (value as string[]) : []
}

function summary(tags: number, entries: number): string {
  const counts = [tags > 0 && counted(tags, 'tag', 'tags'), entries > 0 && counted(entries, 'entry', 'entries')]
  return counts.filter(Boolean).join(' and ')
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}
