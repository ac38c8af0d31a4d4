import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../database/database.js'
import type { Change } from './change.js'
import { type IncomingReading, type StoredReading, storeReadings } from './store-readings.js'

export interface ReadingWriterOptions {
  readonly database: Database
  /** Told after the commit of each transaction, before its callers are answered. */
  readonly committed: (changes: readonly Change[], stored: readonly StoredReading[]) => Promise<void>
  /** Transactions begin at least this far apart. */
  readonly pauseMs?: number
  readonly maxBatch?: number
  readonly maxQueued?: number
}

export type WrittenReading =
  | { readonly state: 'stored'; readonly changes: readonly Change[] }
  | { readonly state: 'unknown-device' }

/** More readings came in than the database takes: the sender should slow down. */
export class WriterFullError extends Error {
  constructor(maxQueued: number) {
    super(`${maxQueued} readings are waiting to be stored already. Send fewer, or later.`)
    this.name = 'WriterFullError'
  }
}

interface Job {
  readonly reading: IncomingReading
  readonly resolve: (written: WrittenReading) => void
  readonly reject: (error: unknown) => void
}

/**
 * Group commit: readings that come in while a transaction runs, or shortly after it began, are stored together by the
 * next one. A lone reading is stored at once, a stream costs a transaction for many.
 */
export class ReadingWriter {
  readonly #database: Database
  readonly #committed: ReadingWriterOptions['committed']
  readonly #pauseMs: number
  readonly #maxBatch: number
  readonly #maxQueued: number
  #queue: Job[] = []
  #working: Promise<void> | undefined
  #nextAt = 0

  constructor({ database, committed, pauseMs = 20, maxBatch = 200, maxQueued = 20_000 }: ReadingWriterOptions) {
    this.#database = database
    this.#committed = committed
    this.#pauseMs = pauseMs
    this.#maxBatch = maxBatch
    this.#maxQueued = maxQueued
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Resolves when the reading is committed, its invalidations are acknowledged and its events are sent. */
  write(reading: IncomingReading): Promise<WrittenReading> {
    if (this.#queue.length >= this.#maxQueued) return Promise.reject(new WriterFullError(this.#maxQueued))
    return new Promise((resolve, reject) => {
      this.#queue.push({ reading, resolve, reject })
      this.#working ??= this.#work()
    })
  }

  /** Resolves when everything that was given is stored. */
  async drain(): Promise<void> {
    while (this.#working !== undefined) await this.#working
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0) {
      const earlyMs = this.#nextAt - performance.now()
      if (earlyMs > 0) await sleep(earlyMs)
      this.#nextAt = performance.now() + this.#pauseMs
      await this.#storeBatch(this.#takeBatch())
    }
    this.#working = undefined
  }

  /** One reading a device: a second one has to see what the first one did. */
  #takeBatch(): Job[] {
    const batch: Job[] = []
    const later: Job[] = []
    const devices = new Set<number>()
    for (const job of this.#queue) {
      const free = batch.length < this.#maxBatch && !devices.has(job.reading.deviceId)
      devices.add(job.reading.deviceId)
      if (free) batch.push(job)
      else later.push(job)
    }
    this.#queue = later
    return batch
  }

  async #storeBatch(batch: readonly Job[]): Promise<void> {
    try {
      const { stored, changes } = await storeReadings(
        this.#database,
        batch.map((job) => job.reading),
      )
      const told = this.#committed(
        changes,
        stored.filter((one) => one !== undefined),
      )
      for (const [index, job] of batch.entries()) this.#answer(job, stored[index], changes, told)
    } catch (error) {
      for (const job of batch) job.reject(error)
    }
  }

  /** Callers wait for the telling; the next transaction does not. */
  #answer(job: Job, stored: StoredReading | undefined, changes: readonly Change[], told: Promise<void>): void {
    if (!stored) {
      job.resolve({ state: 'unknown-device' })
      return
    }
    const own = changes.filter((change) => unitOf(change) === stored.unitId)
    told.then(() => job.resolve({ state: 'stored', changes: own }), job.reject)
  }
}

function unitOf(change: Change): number {
  switch (change.type) {
    case 'unit-state-changed':
      return change.unit.id
    case 'device-status-changed':
      return change.unitId
    default:
      return change.alert.unitId
  }
}
