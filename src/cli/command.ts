import type { CliIo } from './cli-io.js'

/** What a command's exit code says; docs/cli.md has the same table. */
export const EXIT = {
  done: 0,
  /** Done, and something is wrong or missing: what was looked for is not there, a check found a fault. */
  found: 1,
  badInput: 2,
  /** The service or Redis could not be reached, or did not acknowledge; a directory is in use. */
  unreachable: 3,
  /** The service refused: a token is missing or wrong. */
  refused: 4,
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** One command. A new one is a file in `commands/` and a line in `program.ts`. */
export interface CliCommand {
  readonly name: string
  readonly summary: string
  /** `['<policy>', 'name of the policy']`; the last may be variadic: `'<tag...>'`. */
  readonly operands?: readonly (readonly [form: string, help: string])[]
  /** `['--rate <keys>', 'keys a second', '1000']`; without a default `undefined`. */
  readonly options?: readonly (readonly [form: string, help: string, fallback?: string])[]
  /** Takes no connection: what it looks at is on this machine. Default false. */
  readonly isLocal?: boolean
  run(call: CliCall): Promise<ExitCode>
}

/** One call of a command. */
export interface CliCall {
  readonly operands: readonly string[]
  /** By their long names in camel case. */
  readonly options: Readonly<Record<string, unknown>>
  readonly io: CliIo
}
