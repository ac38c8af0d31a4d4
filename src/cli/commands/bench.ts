import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { diskContest, memoryContest, redisContest } from '../bench/contests.js'
import { type Contest, measure, type SideResult } from '../bench/rounds.js'
import { badInput } from '../cli-error.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { wholeNumber } from '../numbers.js'
import { coloursOf, tableLines } from '../table.js'

const PARTS = ['memory', 'disk', 'redis'] as const
type Part = (typeof PARTS)[number]

interface Plan {
  readonly rounds: number
  readonly contests: readonly (() => Promise<Contest>)[]
}

export const bench: CliCommand = {
  name: 'bench',
  summary: 'What a hit costs on this machine: memory next to a Map, disk next to pread, your Redis next to GET.',
  options: [
    ['--only <part>', PARTS.join(', ')],
    ['--rounds <n>', 'how often each is measured; the median counts', '9'],
    ['--directory <path>', 'the disk to measure; a folder is made there and removed. Default: that of temporary files'],
  ],
  run: (call) => run(call, checkPlan(call)),
}

/** Redis takes part where one is named. */
function checkPlan({ options, io }: CliCall): Plan {
  if (options.url !== undefined)
    throw badInput('This command measures this machine and a Redis: name --redis, not --url.')
  const only = options.only as Part | undefined
  if (only !== undefined && !PARTS.includes(only)) {
    throw badInput(`--only must be one of ${PARTS.join(', ')}; got '${String(only).slice(0, 40)}'.`)
  }
  const directory = options.directory as string | undefined
  if (directory !== undefined && !existsSync(directory)) throw badInput('--directory must be a directory that exists.')
  const redis = (options.redis as string | undefined) ?? io.env.REDIS_URL
  if (only === 'redis' && !redis) throw badInput('Say which Redis: --redis <url>, or REDIS_URL in the environment.')
  const prefix = (options.prefix as string | undefined) ?? ''
  const contests: Record<Part, (() => Promise<Contest>) | undefined> = {
    memory: memoryContest,
    disk: () => diskContest(directory),
    redis: redis ? () => redisContest(redis, prefix) : undefined,
  }
  return {
    rounds: wholeNumber(options.rounds, '--rounds', [1, 1_000]),
    contests: (only === undefined ? PARTS : [only]).flatMap((part) => contests[part] ?? []),
  }
}

async function run({ options, io }: CliCall, { rounds, contests }: Plan): Promise<ExitCode> {
  const measured: { name: string; sides: SideResult[] }[] = []
  for (const open of contests) {
    const contest = await open()
    try {
      const sides = await measure(contest, rounds, (round) => {
        io.signal.throwIfAborted()
        if (io.hasColour) io.err(`… ${contest.name}: round ${round + 1} of ${rounds}`)
      })
      measured.push({ name: contest.name, sides })
    } finally {
      await contest.close?.()
    }
  }
  const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model }
  if (options.json === true) {
    io.out(JSON.stringify({ machine, rounds, contests: measured }))
    return EXIT.done
  }
  const colours = coloursOf(io)
  for (const { name, sides } of measured) {
    const rows = sides.map((side) => [side.name, timeText(side.microseconds), ratioText(side)])
    for (const line of [...tableLines([name, 'median', 'ratio'], rows, colours), '']) io.out(line)
  }
  io.out(
    `${rounds === 1 ? 'One round' : `Medians of ${rounds} rounds taken in turns`}; Node ${machine.node}, ${machine.processors} processors.`,
  )
  return EXIT.done
}

function timeText(microseconds: number): string {
  return microseconds < 1 ? `${(microseconds * 1_000).toFixed(0)} ns` : `${microseconds.toFixed(1)} µs`
}

function ratioText({ ratio, to }: SideResult): string {
  return ratio === undefined ? '' : `${ratio.toFixed(2)} x ${to}`
}
