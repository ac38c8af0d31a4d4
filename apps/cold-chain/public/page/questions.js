/**
 * Keeps the answers that the page shows up to date: asks again after an event, at most one request a question at a time,
 * and checks of every answer that it is not older than the newest event that concerns it.
 */
export class Questions {
  #api
  #answered
  #failed
  #wanted = new Map()
  #running = new Set()
  #round = 0
  /** Answers that were compared with an event, and those of them that were older. */
  checked = 0
  older = 0

  constructor({ api, answered, failed }) {
    this.#api = api
    this.#answered = answered
    this.#failed = failed
  }

  /** Asks again; `version` is that of the event which asks for it, 0 for none. */
  ask(path, version = 0) {
    this.#wanted.set(path, Math.max(version, this.#wanted.get(path) ?? 0))
    if (!this.#running.has(path)) void this.#run(path)
  }

  /** Forgets what was wanted of the organisation before. */
  reset() {
    this.#wanted.clear()
    this.#running.clear()
    this.#round += 1
  }

  async #run(path) {
    const round = this.#round
    this.#running.add(path)
    while (round === this.#round && this.#wanted.has(path)) {
      const version = this.#wanted.get(path)
      this.#wanted.delete(path)
      try {
        const answer = await this.#api.get(path)
        if (round !== this.#round) return
        if (version > 0 && answer.body.version !== undefined) {
          this.checked += 1
          if (answer.body.version < version) this.older += 1
        }
        this.#answered(path, answer)
      } catch (error) {
        if (round === this.#round) this.#failed(path, error)
        break
      }
    }
    if (round === this.#round) this.#running.delete(path)
  }
}
