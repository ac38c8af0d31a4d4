import { tagsOf } from '../dashboard/event-tags.js'
import type { Change } from '../domain/change.js'

export interface ChangePublisherOptions {
  /** Resolves when it is acknowledged, with the receipt's token if there is one. */
  readonly invalidate: (organisationId: string, tags: readonly string[]) => Promise<string | undefined>
  readonly emit: (change: Change, receipt: string | undefined) => void
  readonly invalidationFailed: (organisationId: string, tags: readonly string[], error: unknown) => void
}

/**
 * Second and third step of every write: commit, then invalidate, then emit (C18). Whoever hears an event and asks again
 * finds nothing older than the event. Emitting before would let them read the old entry; invalidating before the commit
 * would let them fill it again from the old row.
 *
 * The changes of one organisation are told in the order they are given; organisations don't wait for each other.
 */
export class ChangePublisher {
  readonly #options: ChangePublisherOptions
  readonly #last = new Map<string, Promise<void>>()

  constructor(options: ChangePublisherOptions) {
    this.#options = options
  }

  /** Call it after the commit. Resolves when everything is told; never rejects. */
  async publish(changes: readonly Change[]): Promise<void> {
    const byOrganisation = new Map<string, Change[]>()
    for (const change of changes) {
      const own = byOrganisation.get(change.organisationId)
      if (own) own.push(change)
      else byOrganisation.set(change.organisationId, [change])
    }
    await Promise.all([...byOrganisation].map(([organisationId, own]) => this.#inOrder(organisationId, own)))
  }

  /** Resolves when all that was given is told. */
  async settle(): Promise<void> {
    await Promise.all(this.#last.values())
  }

  #inOrder(organisationId: string, changes: readonly Change[]): Promise<void> {
    const before = this.#last.get(organisationId) ?? Promise.resolve()
    const told = before.then(() => this.#tell(organisationId, changes))
    this.#last.set(organisationId, told)
    return told.finally(() => {
      if (this.#last.get(organisationId) === told) this.#last.delete(organisationId)
    })
  }

  async #tell(organisationId: string, changes: readonly Change[]): Promise<void> {
    const { invalidate, emit, invalidationFailed } = this.#options
    const tags = [...new Set(changes.flatMap(tagsOf))]
    let receipt: string | undefined
    try {
      receipt = await invalidate(organisationId, tags)
    } catch (error) {
      // Not even queued: the cache closes, or too many wait. People still have to hear of a warm fridge.
      invalidationFailed(organisationId, tags, error)
    }
    for (const change of changes) emit(change, receipt)
  }
}
