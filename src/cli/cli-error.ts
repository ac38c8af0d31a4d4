import { EXIT, type ExitCode } from './command.js'

/** Ends a command with a line for the user and an exit code. */
export class CliError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string) {
    super(message)
    this.name = 'CliError'
    this.exitCode = exitCode
  }
}

export function badInput(message: string): CliError {
  return new CliError(EXIT.badInput, message)
}
