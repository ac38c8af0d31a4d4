import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { directoryStats, repairDirectory, verifyDirectory } from '../../disk/index.js'
import { badInput, CliError } from '../cli-error.js'
import type { CliIo } from '../cli-io.js'
import { type CliCall, type CliCommand, EXIT, type ExitCode } from '../command.js'
import { bytesText, printable } from '../table.js'

const ACTIONS = { verify, repair, stats } as const
type Action = keyof typeof ACTIONS

const PROGRESS_EVERY_MS = 1_000
/** Faults that people are shown; `--json` has all that there are. */
const SHOWN_FAULTS = 20

export const disk: CliCommand = {
  name: 'disk',
  summary: "Looks after a disk tier's directory: what it takes, whether every byte can be read, repair.",
  operands: [
    ['<action>', Object.keys(ACTIONS).join(', ')],
    ['<directory>', "the tier's: diskTier({ directory })"],
  ],
  isLocal: true,
  run: (call) => {
    const [action = '', directory = ''] = call.operands
    if (!Object.hasOwn(ACTIONS, action)) {
      throw badInput(`The action must be one of ${Object.keys(ACTIONS).join(', ')}; got '${action.slice(0, 40)}'.`)
    }
    if (!existsSync(join(resolve(directory), 'v1')))
      throw badInput(`There is no disk tier at '${printable(directory)}'.`)
    return ACTIONS[action as Action](directory, call)
  },
}

/** Every byte is read; 1 where something is not as it was written. */
async function verify(directory: string, { options, io }: CliCall): Promise<ExitCode> {
  const found = await withProgress('Reading', directory, io, verifyDirectory)
  const { segments, records, files, bytes, faults } = found
  if (options.json === true) io.out(JSON.stringify({ directory, ...found }))
  else {
    io.out(`${records} records in ${segments} segments and ${files} files, ${bytesText(bytes)}: all read.`)
    io.out(faults.length === 0 ? 'Everything is as it was written.' : `${faults.length} places are not as written:`)
    for (const fault of faults.slice(0, SHOWN_FAULTS)) io.out(`  ${printable(fault)}`)
    if (faults.length > SHOWN_FAULTS) io.out(`  … and ${faults.length - SHOWN_FAULTS} more: --json has them.`)
    if (faults.length > 0) io.out('What is damaged is never answered. To forget it: freshtier disk repair')
  }
  return faults.length === 0 ? EXIT.done : EXIT.found
}

/** Forgets what is damaged. Refused while a process writes there. */
async function repair(directory: string, { options, io }: CliCall): Promise<ExitCode> {
  const done = await withProgress('Repairing', directory, io, repairDirectory)
  if (options.json === true) io.out(JSON.stringify({ directory, ...done }))
  else io.out(`${done.damaged} damaged records are forgotten, ${done.removed} files that nobody names are removed.`)
  return EXIT.done
}

async function stats(directory: string, { options, io }: CliCall): Promise<ExitCode> {
  const found = directoryStats(directory)
  if (options.json === true) io.out(JSON.stringify({ directory, ...found }))
  else {
    io.out(`${bytesText(found.bytes)} in ${found.segments} segments and ${found.files} files of large values.`)
    io.out(found.isInUse ? 'A process writes to it.' : 'Nobody writes to it.')
  }
  return EXIT.done
}

/** Tells every second that it goes on, where somebody watches; ends when it is interrupted. */
async function withProgress<T>(
  doing: string,
  directory: string,
  io: CliIo,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now()
  const { bytes } = directoryStats(directory)
  // The timer also keeps the process alive while the work is done in a thread that does not.
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    if (io.hasColour) io.err(`… ${doing.toLowerCase()} ${bytesText(bytes)}, ${seconds} s`)
  }, PROGRESS_EVERY_MS)
  try {
    return await Promise.race([work(directory), interrupted(io.signal)])
  } finally {
    clearInterval(timer)
  }
}

function interrupted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(new CliError(EXIT.interrupted, 'Interrupted; nothing is lost.'))
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
