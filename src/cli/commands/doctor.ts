import { type DoctorReport, doctor as examine } from '../../core/doctor.js'
import { type CliCall, type CliCommand, EXIT } from '../command.js'
import { type Connection, connected } from '../connection.js'
import { type Colours, coloursOf, printable } from '../table.js'

export const doctor: CliCommand = {
  name: 'doctor',
  summary: 'Looks at the Redis of a cache and says what it means: eviction, head-room, replicas, scripts, clocks.',
  run: (call) => connected(call, (connection) => run(call, connection)),
}

async function run({ options, io }: CliCall, connection: Connection): Promise<0 | 1> {
  const reports = await ask(connection)
  if (options.json === true) io.out(JSON.stringify(reports))
  else for (const line of reports.flatMap((report) => lines(report, coloursOf(io)))) io.out(line)
  return reports.every(({ isSound }) => isSound) ? EXIT.done : EXIT.found
}

/** One report for each cache. */
async function ask(connection: Connection): Promise<readonly (DoctorReport & { cache?: string })[]> {
  if (connection.kind === 'redis') {
    const report = await examine(connection.redis.cache())
    // The bounds are those of this program, not of a service.
    return [{ ...report, findings: report.findings.filter(({ topic }) => topic !== 'bound') }]
  }
  const { caches } = await connection.service.get('/doctor')
  return caches as readonly (DoctorReport & { cache: string })[]
}

function lines({ cache, findings }: DoctorReport & { cache?: string }, colours: Colours): string[] {
  const signs = { good: colours.green('✓ good  '), look: colours.yellow('! look  '), broken: colours.red('✗ broken') }
  return [
    ...(cache === undefined ? [] : [colours.bold(cache)]),
    ...findings.flatMap(({ level, topic, says, means }) => [
      `${signs[level]} ${topic.padEnd(12)} ${printable(says)}`,
      colours.dim(`${' '.repeat(22)}${printable(means)}`),
    ]),
  ]
}
