import type { Namespace } from './namespace.js'
import { DAMAGED, type DiskTier } from './ports/disk-tier.js'
import type { Random } from './ports/random.js'
import type { Control, TagClocks } from './ports/shared-tier.js'
import { parseSoftText, type SoftClocks, softText } from './soft-clocks.js'

/** What an invalidation of tags or of everything says. */
export interface TagEvent {
  readonly tags: readonly string[]
  readonly clear: boolean
  readonly soft: boolean
}

/**
 * The clocks of tags and `clear` where there is no shared tier: on the disk, so that what was invalidated stays so in
 * the next process. One note for a namespace, one for each tag; a tag's note goes when no entry can be older than it.
 */
export class DiskControls {
  readonly #tier: DiskTier
  readonly #random: Random
  readonly #opening = new Map<Namespace, Promise<void>>()
  /** No entry that was ever stored here lives longer; undefined until it is known. */
  #longestMs: number | undefined

  constructor(tier: DiskTier, random: Random) {
    this.#tier = tier
    this.#random = random
  }

  /** Takes over what the last process left of a namespace. A damaged or missing block means: everything of it is dead. */
  open(namespace: Namespace): Promise<void> {
    let opening = this.#opening.get(namespace)
    if (opening === undefined) {
      opening = this.#open(namespace).finally(() => this.#opening.delete(namespace))
      this.#opening.set(namespace, opening)
    }
    return opening
  }

  async #open(namespace: Namespace): Promise<void> {
    const [block, longest] = await this.#tier.readNotes([blockName(namespace), 'longest'])
    if (longest === undefined) this.#longestMs ??= 0
    else if (longest !== DAMAGED) this.#longestMs ??= Number(longest)
    if (namespace.isOpen) return
    const known = block === undefined || block === DAMAGED ? undefined : parseBlock(block)
    const { epoch, clock, floor } = known ?? { epoch: this.#random.shortId(), clock: this.#nowMicros(), floor: 0 }
    if (known === undefined)
      void this.#tier.writeNotes([{ name: blockName(namespace), text: blockText(epoch, clock, floor) }])
    namespace.adopt({ epoch, clock, floor, pruned: 0, tags: [] }, [], namespace.sequence)
  }

  /** Applies an event here and writes it down. Synchronous; `sync` of the tier makes it last. */
  bump(namespace: Namespace, event: TagEvent): void {
    const epoch = namespace.epoch!
    const clock = Math.max(namespace.clock + 1, this.#nowMicros())
    namespace.applyBump({ epoch, clock, ...event }, true)
    const keepMs = this.#longestMs === undefined ? undefined : this.#longestMs + 60_000
    const textOf = (tag: string): string => (event.soft ? softText(namespace.softClocksOf(tag)) : String(clock))
    void this.#tier.writeNotes([
      ...event.tags.map((tag) => ({
        name: tagName(namespace, event.soft ? 's' : 'h', tag),
        text: textOf(tag),
        keepMs,
      })),
      { name: blockName(namespace), text: blockText(epoch, clock, namespace.floor) },
    ])
  }

  /** The control block as it stands, with the clocks of `tags`. Rejects if one cannot be read. */
  async control(namespace: Namespace, tags: readonly string[]): Promise<Control> {
    await this.open(namespace)
    const names = tags.flatMap((tag) => [tagName(namespace, 'h', tag), tagName(namespace, 's', tag)])
    const notes = names.length === 0 ? [] : await this.#tier.readNotes(names)
    if (notes.includes(DAMAGED)) throw new Error('a note about a tag is damaged')
    const clockOf = (at: number): number | undefined => (notes[at] === undefined ? undefined : Number(notes[at]))
    const softOf = (at: number): SoftClocks | undefined => parseSoftText(String(notes[at] ?? ''))
    const clocks: TagClocks[] = tags.map((_, at) => ({ hard: clockOf(at * 2), soft: softOf(at * 2 + 1) }))
    const { epoch, clock, floor } = namespace
    return { epoch: epoch!, clock, floor, pruned: 0, tags: clocks }
  }

  /** An entry of this life is about to be written: tags must be remembered for as long. */
  expectLife(keepMs: number): void {
    if (this.#longestMs === undefined || keepMs <= this.#longestMs) return
    // In steps, so that jitter does not write one note an entry.
    this.#longestMs = Math.ceil(keepMs * 1.25)
    void this.#tier.writeNotes([{ name: 'longest', text: String(this.#longestMs) }])
  }

  #nowMicros(): number {
    return Math.floor(this.#tier.nowMs() * 1000)
  }
}

function blockName({ id }: Namespace): string {
  return `control|${id}`
}

function tagName({ id }: Namespace, kind: 'h' | 's', tag: string): string {
  return `tag|${kind}|${id}|${tag}`
}

function blockText(epoch: string, clock: number, floor: number): string {
  return `${epoch} ${clock} ${floor}`
}

function parseBlock(text: string): { epoch: string; clock: number; floor: number } | undefined {
  const [epoch, clock, floor] = text.split(' ')
  const parsed = { epoch: epoch ?? '', clock: Number(clock), floor: Number(floor) }
  return parsed.epoch.length === 8 && Number.isSafeInteger(parsed.clock + parsed.floor) ? parsed : undefined
}
