// `npm run torture -- --seconds 60 [--seed 1] [--processes 4] [--faults 'FLUSHALL,evicted keys']`
import { parseArgs } from 'node:util'
import { torture } from './torture.js'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    processes: { type: 'string', default: '4' },
    faults: { type: 'string' },
  },
})
const seconds = Number(values.seconds)
const counts: Record<string, number> = {}
console.log(`seed ${values.seed}, ${seconds} s, ${values.processes} processes`)
const outcome = await torture({
  worker: new URL('../../../torture/worker.mjs', import.meta.url),
  seed: Number(values.seed),
  processes: Number(values.processes),
  isEnough: ({ ms }) => ms >= seconds * 1_000,
  faults: values.faults?.split(','),
  onFault: (name) => {
    counts[name] = (counts[name] ?? 0) + 1
  },
})
console.log(`${outcome.reads} reads, ${outcome.acknowledgements} invalidations, ${outcome.faults} faults:`)
console.log(
  `  ${Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
)
console.log(`rejected: ${JSON.stringify(outcome.rejections)}`)
for (const violation of outcome.violations.slice(0, 20)) console.log(`VIOLATION ${violation}`)
console.log(`${outcome.violations.length} reads beyond the promise of their level`)
process.exitCode = outcome.violations.length === 0 ? 0 : 1
