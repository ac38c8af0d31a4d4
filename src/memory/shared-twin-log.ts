import type { LogRow } from '../core/ports/shared-tier.js'

/** One invalidation log with ids like those of a Redis stream. It lives as long as its generation. */
export class TwinLog {
  readonly generation: string
  readonly #nowMs: () => number
  readonly #rows: LogRow[] = []
  #lastMs = 0
  #sequence = 0

  /** As in Redis, a log begins with a row that names its generation: it is never empty while nothing was lost. */
  constructor(generation: string, nowMs: () => number) {
    this.generation = generation
    this.#nowMs = nowMs
    this.append(JSON.stringify(['g', generation]), 1)
  }

  append(payload: string, maxRows: number): LogRow {
    const nowMs = this.#nowMs()
    if (nowMs > this.#lastMs) {
      this.#lastMs = nowMs
      this.#sequence = 0
    } else {
      this.#sequence++
    }
    const row = { id: `${this.#lastMs}-${this.#sequence}`, payload }
    this.#rows.push(row)
    this.trim(maxRows)
    return row
  }

  get newest(): LogRow | undefined {
    return this.#rows.at(-1)
  }

  since(from: string, limit: number): LogRow[] {
    const at = this.#rows.findIndex((row) => compareIds(row.id, from) >= 0)
    return at < 0 ? [] : this.#rows.slice(at, at + limit)
  }

  copy(): TwinLog {
    const copy = new TwinLog(this.generation, this.#nowMs)
    copy.#rows.splice(0, Infinity, ...this.#rows)
    copy.#lastMs = this.#lastMs
    copy.#sequence = this.#sequence
    return copy
  }

  trim(keep: number): void {
    if (this.#rows.length > keep) this.#rows.splice(0, this.#rows.length - keep)
  }
}

function compareIds(a: string, b: string): number {
  const [aMs = 0, aSequence = 0] = a.split('-').map(Number)
  const [bMs = 0, bSequence = 0] = b.split('-').map(Number)
  return aMs - bMs || aSequence - bSequence
}
