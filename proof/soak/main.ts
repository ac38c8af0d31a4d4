// `npm run soak -- --minutes 4 [--seed 1] [--instances 3] [--json]`: see docs/proof.md.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type SoakOutcome, soak } from './soak.ts'

/** S4-3. */
const TARGET = 0.999

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    instances: { type: 'string', default: '3' },
    reads: { type: 'string', default: '100' },
    writes: { type: 'string', default: '10' },
    'deadline-ms': { type: 'string', default: '2500' },
    json: { type: 'boolean', default: false },
  },
})

function number(
  name: 'minutes' | 'seed' | 'instances' | 'reads' | 'writes' | 'deadline-ms',
  least: number,
  most: number,
): number {
  const value = Number(values[name])
  if (values[name] !== '' && value >= least && value <= most) return value
  console.error(`--${name} must be a number from ${least} to ${most}; got '${values[name]}'.`)
  process.exit(2)
}

function told({
  calls,
  right,
  old,
  late,
  failed,
  share,
  retried,
  faults,
  acknowledged,
  refused,
  latencyMs,
  examples,
}: SoakOutcome): string {
  const { p50 = 0, p95 = 0, p99 = 0, max = 0 } = latencyMs ?? {}
  const names = Object.entries(faults).map(([name, count]) => `${name} ${count}`)
  return [
    `${calls} calls: ${right} right and in time, ${old} older than promised, ${late} late, ${failed} failed; ${retried} went to a second instance`,
    `Faults: ${names.join(', ')}`,
    `${acknowledged} changes were acknowledged, ${refused} were not, because Redis was away`,
    `Latency: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, max ${max.toFixed(0)} ms`,
    ...examples.map((example) => `  ${example}`),
    `${(100 * share).toFixed(3)} % right and in time; the target is ${100 * TARGET} %`,
  ].join('\n')
}

const [minutes, seed, deadlineMs] = [
  number('minutes', 0.1, 10_000),
  number('seed', 0, 2 ** 31),
  number('deadline-ms', 1, 60_000),
]
const instances = number('instances', 2, 16)
console.error(`seed ${seed}, ${minutes} min, ${instances} instances, in time is ${deadlineMs} ms`)
const outcome = await soak({
  program: fileURLToPath(new URL('../../../../apps/cold-chain/dist/main.js', import.meta.url)),
  seed,
  instances,
  readsPerSecond: number('reads', 1, 10_000),
  writesPerSecond: number('writes', 0, 1_000),
  deadlineMs,
  isEnough: ({ ms }) => ms >= minutes * 60_000,
  onFault: (name) => console.error(`  ${name}`),
})
console.log(values.json ? JSON.stringify({ seed, minutes, instances, deadlineMs, ...outcome }, null, 2) : told(outcome))
process.exitCode = outcome.share >= TARGET && outcome.old === 0 ? 0 : 1
