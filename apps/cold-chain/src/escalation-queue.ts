import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { BackgroundJob } from './background-job.js'
import type { Database } from './database/database.js'
import { withDeadline } from './deadline.js'
import type { Alert, Change } from './domain/change.js'
import { escalateAlert, queryWaits, type Wait } from './domain/escalate-alert.js'
import { createRedisClient, FAIL_FAST, PATIENT, REDIS_PREFIX } from './redis-client.js'
import type { RedisAddress } from './settings.js'

export interface EscalationQueueOptions {
  readonly redis: RedisAddress
  readonly escalateAfterMs: number
  readonly database: Database
  readonly publish: (changes: readonly Change[]) => Promise<void>
  readonly failed: (what: string, error: unknown) => void
}

interface JobData {
  readonly organisationId: string
  readonly alertId: number
  /** ISO 8601. */
  readonly pendingSince: string
}

const QUEUE = 'alert-escalations'
const SWEEP_MS = 30_000
const CLOSE_MS = 2_000
/** An instance that died is noticed after about this time, and another one does its jobs. */
const LOCK_MS = 10_000
/** A finished job is remembered for a minute, so that a sweep that looked before it finished does not add it again. */
const REMEMBERED = { age: 60, count: 1_000 }
const JOB = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 1_000 },
  removeOnComplete: REMEMBERED,
  removeOnFail: true,
}

/**
 * Alerts that nobody acknowledges escalate: each wait is one delayed job of BullMQ, done by whichever instance comes
 * first. The database decides and Redis is only the alarm clock: a job that comes late, twice or for an alert that is
 * dealt with changes nothing, and one that was lost (with its Redis, or with an instance that died before adding it) is
 * added again by the next sweep.
 */
export class EscalationQueue {
  readonly #options: EscalationQueueOptions
  readonly #queueClient: Redis
  readonly #workerClient: Redis
  #bull: { readonly queue: Queue<JobData>; readonly worker: Worker<JobData> } | undefined
  #isClosed = false
  readonly #sweep: BackgroundJob
  readonly #sending = new Set<Promise<unknown>>()

  constructor(options: EscalationQueueOptions) {
    const { redis, failed } = options
    this.#options = options
    // BullMQ duplicates its connection: the copy must stop trying as well when this is closed.
    const retryStrategy = (attempt: number) => (this.#isClosed ? null : Math.min(500, 100 * attempt))
    this.#queueClient = createRedisClient(redis, { ...FAIL_FAST, retryStrategy }, this.#broken)
    this.#workerClient = createRedisClient(redis, { ...PATIENT, retryStrategy }, this.#broken)
    this.#sweep = new BackgroundJob({ name: 'escalation sweep', everyMs: SWEEP_MS, work: () => this.#addAll(), failed })
    // A BullMQ that never met its Redis cannot be closed.
    this.#queueClient.once('ready', () => {
      if (!this.#isClosed) this.#bull = this.#begin()
      this.#sweep.run()
    })
  }

  /** Call it with what was committed. While Redis is away nothing is sent, and nothing waits; a sweep makes up for it. */
  follow(changes: readonly Change[]): void {
    if (!this.#canSend) return
    for (const change of changes) {
      const sent = this.#send(change)
        .catch((error) => this.#options.failed('planning an escalation', error))
        .finally(() => this.#sending.delete(sent))
      this.#sending.add(sent)
    }
  }

  /** Lets jobs that run end. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#sweep.close()
    await withDeadline(this.#end(), CLOSE_MS, 'BullMQ').catch((error) =>
      this.#options.failed('closing the queue of escalations', error),
    )
    for (const client of [this.#queueClient, this.#workerClient]) if (client.status !== 'end') client.disconnect()
  }

  /** While Redis is away a command would fail, and before it was there for the first time there is no queue. */
  get #canSend(): boolean {
    return this.#bull !== undefined && this.#queueClient.status === 'ready'
  }

  readonly #broken = (error: unknown): void => this.#options.failed('the queue of escalations', error)

  #begin() {
    const { jobs: prefix } = REDIS_PREFIX
    const queue = new Queue<JobData>(QUEUE, { connection: this.#queueClient, prefix, defaultJobOptions: JOB })
    const worker = new Worker<JobData>(QUEUE, ({ data }) => this.#escalate(data), {
      connection: this.#workerClient,
      prefix,
      concurrency: 5,
      lockDuration: LOCK_MS,
      stalledInterval: LOCK_MS,
    })
    queue.on('error', this.#broken)
    worker.on('error', this.#broken)
    worker.on('failed', (job, error) => this.#options.failed(`escalation ${job?.id}`, error))
    return { queue, worker }
  }

  async #end(): Promise<void> {
    await Promise.all(this.#sending)
    // By force where Redis could not tell that a job ended; it is done again, which changes nothing.
    await this.#bull?.worker.close(!this.#canSend)
    await this.#bull?.queue.close()
  }

  async #send(change: Change): Promise<void> {
    const { escalateAfterMs } = this.#options
    if (change.type === 'alert-raised') await this.#add(waitOf(change), escalateAfterMs)
    // Became worse, and waits anew. An alert that escalated because nobody came has had its turn.
    else if (change.type === 'alert-escalated' && change.alert.escalatedAt === null)
      await this.#add(waitOf(change), escalateAfterMs)
    else if (change.type === 'alert-acknowledged' || change.type === 'alert-resolved')
      await this.#bull?.queue.remove(jobIdOf(waitOf(change)))
  }

  async #addAll(): Promise<void> {
    if (!this.#canSend) return
    const waits = await queryWaits(this.#options.database, this.#options.escalateAfterMs)
    for (const { leftMs, ...wait } of waits) await this.#add(wait, leftMs)
  }

  /** A job that is there already stays as it is. */
  async #add(wait: Wait, delay: number): Promise<void> {
    const { organisationId, alertId, pendingSince } = wait
    const data = { organisationId, alertId, pendingSince: pendingSince.toISOString() }
    await this.#bull?.queue.add('escalate', data, { jobId: jobIdOf(wait), delay: Math.ceil(delay) })
  }

  async #escalate({ pendingSince, ...alert }: JobData): Promise<void> {
    const { database, publish } = this.#options
    await publish(await escalateAlert(database, { ...alert, pendingSince: new Date(pendingSince) }))
  }
}

function waitOf({ organisationId, alert: { id, pendingSince } }: { organisationId: string; alert: Alert }): Wait {
  return { organisationId, alertId: id, pendingSince }
}

function jobIdOf({ alertId, pendingSince }: Wait): string {
  return `alert-${alertId}-${pendingSince.getTime()}`
}
