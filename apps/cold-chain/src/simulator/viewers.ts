import { BackgroundJob } from '../background-job.js'
import type { Dashboard } from '../dashboard/dashboard.js'
import { type Questions, WHOLE } from '../dashboard/questions.js'
import { seededRandom } from './seeded-random.js'
import { createZipf } from './zipf.js'

export interface ViewersOptions {
  readonly dashboard: Dashboard
  readonly questions: Questions
  readonly organisationIds: readonly string[]
  /** Dashboards opened in a second. */
  readonly perSecond: number
  readonly failed: (name: string, error: unknown) => void
}

const TICK_MS = 100

/** People who open dashboards: some organisations often, most now and then. They make the demo's cache worth watching. */
export class Viewers {
  readonly #options: ViewersOptions
  readonly #job: BackgroundJob
  readonly #random = seededRandom(11)
  readonly #pick: (uniform: number) => number
  #owed = 0
  #tickedAt = performance.now()

  constructor(options: ViewersOptions) {
    this.#options = options
    this.#pick = createZipf(options.organisationIds.length, 0.9)
    this.#job = new BackgroundJob({
      name: 'viewers',
      everyMs: TICK_MS,
      work: () => this.#tick(),
      failed: options.failed,
    })
  }

  close(): Promise<void> {
    return this.#job.close()
  }

  async #tick(): Promise<void> {
    const now = performance.now()
    this.#owed = Math.min(
      this.#owed + ((now - this.#tickedAt) * this.#options.perSecond) / 1_000,
      this.#options.perSecond,
    )
    this.#tickedAt = now
    const opened: Promise<unknown>[] = []
    for (; this.#owed >= 1; this.#owed -= 1) opened.push(this.#open())
    await Promise.all(opened)
  }

  async #open(): Promise<void> {
    const { dashboard, questions, organisationIds } = this.#options
    const organisationId = organisationIds[this.#pick(this.#random())]
    if (organisationId === undefined) return
    await Promise.all([
      dashboard.read(questions.unitStatus, organisationId, WHOLE),
      dashboard.read(questions.alertCounts, organisationId, WHOLE),
      dashboard.read(questions.trends, organisationId, WHOLE),
      dashboard.read(questions.devicesOnline, organisationId, WHOLE),
      dashboard.read(questions.stats, organisationId, WHOLE),
    ])
  }
}
