/** Runs `run` when this turn of the event loop ends: what else the turn brings has happened by then. */
export function atEndOfTurn(run: () => void): void {
  setImmediate(run)
}

/** Runs `run` when what is under way has come to its end, with all that follows from it at once. */
export function atEndOfTick(run: () => void): void {
  process.nextTick(run)
}
