import { endWithParent } from './end-with-parent.mjs'

/** Something a person has to do first. Told in one line, without a stack. */
export class Failure extends Error {}

/** Runs a script's main function; its answer is the exit code. */
export async function main(action) {
  endWithParent()
  try {
    process.exitCode = (await action()) ?? 0
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error)
    process.exitCode = 1
  }
}
