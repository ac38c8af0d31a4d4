/** Runs `run` when this turn of the event loop ends: what else the turn brings has happened by then. */
export function atEndOfTurn(run: () => void): void {
  setImmediate(run)
}
