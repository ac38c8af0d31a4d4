/** What a command sees of the outside: a test gives its own. */
export interface CliIo {
  /** One line of the answer. */
  out(line: string): void
  /** One line for people beside the answer: progress, complaints. */
  err(line: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly hasColour: boolean
  /** Ends when the user wants to stop. */
  readonly signal: AbortSignal
}
