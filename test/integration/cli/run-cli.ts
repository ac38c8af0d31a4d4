import type { CliIo } from '../../../src/cli/cli-io.js'
import { runCli } from '../../../src/cli/program.js'

export interface CliRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line in this process. `onLine` sees each line as it is written. */
export async function cli(
  args: readonly string[],
  {
    env = {},
    signal = new AbortController().signal,
    onLine = () => {},
    hasColour = false,
  }: Partial<Pick<CliIo, 'env' | 'signal' | 'hasColour'>> & { onLine?: (line: string) => void } = {},
): Promise<CliRun> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(args, '1.2.3', {
    out: (line) => {
      out.push(line)
      onLine(line)
    },
    err: (line) => void err.push(line),
    env,
    hasColour,
    signal,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}
