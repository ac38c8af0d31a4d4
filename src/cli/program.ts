import { Command, CommanderError, Option } from 'commander'
import { errorText } from '../core/error-text.js'
import { CacheError } from '../core/errors.js'
import { CliError } from './cli-error.js'
import type { CliIo } from './cli-io.js'
import { type CliCommand, EXIT, type ExitCode } from './command.js'
import { bench } from './commands/bench.js'
import { webConsole } from './commands/console.js'
import { disk } from './commands/disk.js'
import { doctor } from './commands/doctor.js'
import { explain } from './commands/explain.js'
import { get } from './commands/get.js'
import { invalidate } from './commands/invalidate.js'
import { purge } from './commands/purge.js'
import { restProxy } from './commands/rest-proxy.js'
import { stats } from './commands/stats.js'
import { tail } from './commands/tail.js'

/** Every command, in the order of the help. */
export const COMMANDS: readonly CliCommand[] = [
  doctor,
  stats,
  explain,
  get,
  invalidate,
  tail,
  purge,
  webConsole,
  disk,
  bench,
  restProxy,
]

/** What was asked for is right, and could not be done now. */
const OUT_OF_REACH: readonly string[] = ['SHARED_TIER_FAILED', 'SHARED_TIER_TIMEOUT', 'DISK_LOCKED']

const JSON_OPTION = ['--json', 'answer as JSON'] as const
const CONNECTION = [
  ['--url <url>', 'a running service with the console API, such as http://127.0.0.1:3000'],
  ['--token <token>', 'its token; better in FRESHTIER_TOKEN, where no process list shows it'],
  ['--redis <url>', 'the Redis of a cache, such as redis://127.0.0.1:6379; default: REDIS_URL'],
  ['--name <name>', 'the name that the cache has there: createCache({ name })', 'cache'],
  ['--prefix <text>', 'the prefix that its tier has: redisTier({ prefix })', ''],
  JSON_OPTION,
] as const

/** Runs one command line; answers its exit code. Never rejects. */
export async function runCli(args: readonly string[], version: string, io: CliIo): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done
  const program = new Command('freshtier')
    .description('Looks into freshtier caches, and tidies them up.')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text.trimEnd()),
      writeErr: (text) => io.err(text.trimEnd()),
    })
    .showHelpAfterError('Ask for --help.')
  for (const command of COMMANDS) {
    addCommand(program, command, async (operands, options) => {
      exitCode = await command.run({ operands, options, io })
    })
  }
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    return explainError(error, io)
  }
}

function addCommand(
  program: Command,
  { name, summary, operands = [], options = [], isLocal = false }: CliCommand,
  run: (operands: readonly string[], options: Record<string, unknown>) => Promise<void>,
): void {
  const command = program.command(name).description(summary).exitOverride()
  for (const [form, help] of operands) command.argument(form, help)
  for (const [form, help, fallback] of [...options, ...(isLocal ? [JSON_OPTION] : CONNECTION)]) {
    const option = new Option(form, help)
    command.addOption(fallback === undefined || fallback === '' ? option : option.default(fallback))
  }
  // Commander passes the operands, then the options, then the command itself.
  command.action((...passed: unknown[]) => run(passed.slice(0, -2).flat() as string[], command.opts()))
}

function explainError(error: unknown, io: CliIo): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badInput
  if (io.signal.aborted) return EXIT.interrupted
  io.err(`error: ${errorText(error)}`)
  if (error instanceof CliError) return error.exitCode
  return CacheError.is(error) && !OUT_OF_REACH.includes(error.code) ? EXIT.badInput : EXIT.unreachable
}
