import type { Catalog } from './catalog.js'
import { type HintRow, type HintRows, rowBytes } from './hint.js'
import { ENTRY, SOFTENED } from './record.js'
import { fileKey } from './recover.js'
import type { Retention } from './retention.js'
import type { Segment } from './segment.js'
import { TurnShare, WORK_OF_A_HINT_ROW } from './turn-clock.js'

/** What leaves at a time: a slice from the end of a segment, or all that is left of it. */
export interface Part {
  readonly segment: Segment
  /** Undefined: the segment has no hint, so that only the index knows. */
  readonly rows: Iterable<HintRow> | undefined
  /** Of its records and of the files that they name. */
  readonly bytes: number
  readonly fileBytes: number
  /** What is left of the segment then; 0: nothing. */
  readonly leftBytes: number
  /** True if an older record stays that must not count again when this one is gone. */
  overrules(row: HintRow): boolean
}

/**
 * The oldest segment while it leaves, slice by slice from its end: only there can a file give room back.
 *
 * ```
 *   ├── records that stay for now ──┼── slice ──┤── gone ──
 *                                   └ behind a record, not within a batch
 * ```
 */
export class Drain {
  readonly segment: Segment
  readonly retention: Retention
  readonly #catalog: Catalog
  readonly #rows: HintRows | undefined
  /** Keys of which it has a record that counts no more. */
  readonly #overruled = new Set<number>()
  /** Rows that are left. */
  #count: number
  #next: Part | undefined
  #copiedBytes = 0

  private constructor(segment: Segment, rows: HintRows | undefined, retention: Retention, catalog: Catalog) {
    this.segment = segment
    this.retention = retention
    this.#catalog = catalog
    this.#rows = rows
    this.#count = rows?.countUpTo(segment.bytes) ?? 0
  }

  static async begin(
    segment: Segment,
    rows: HintRows | undefined,
    retention: Retention,
    catalog: Catalog,
  ): Promise<Drain> {
    const drain = new Drain(segment, rows, retention, catalog)
    if (rows === undefined || segment.hasBarrier) segment.goesWhole = true
    if (rows === undefined) await catalog.visit(segment, rows, (row) => retention.count(row))
    const share = new TurnShare()
    for (const row of rows ?? []) {
      // It stands for damage, which must be found again by whoever reads the segment itself.
      if (row.length === 0) segment.goesWhole = true
      if (catalog.isAt(row, segment)) retention.count(catalog.index.row())
      else if (row.type === ENTRY) drain.#overruled.add(fileKey(row.low, row.high))
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
    return drain
  }

  /** What leaves next. */
  get next(): Part | undefined {
    return this.#next
  }

  /** Bytes of it that will be written anew, as things are. */
  get copiedBytes(): number {
    return this.#copiedBytes
  }

  /** Makes it a slice of so many bytes, of which not much more than `mostCopied` stay, or all that is left. */
  async look(bytes: number, mostCopied: number): Promise<Part> {
    this.#copiedBytes = 0
    this.#next = (this.segment.goesWhole ? undefined : await this.#slice(bytes, mostCopied)) ?? this.#rest()
    return this.#next
  }

  /** What `next` answered is gone. */
  gone({ leftBytes }: Part): void {
    this.#next = undefined
    this.#count = this.#rows?.countUpTo(leftBytes) ?? 0
  }

  async #slice(wantedBytes: number, mostCopied: number): Promise<Part | undefined> {
    const { segment } = this
    const rows = this.#rows!
    const share = new TurnShare()
    let from = this.#count
    let [bytes, fileBytes] = [0, 0]
    const isEnough = (): boolean => bytes >= wantedBytes || (bytes > 0 && this.#copiedBytes >= mostCopied)
    while (from > 0 && (!isEnough() || rows.row(from - 1).remaining > 0)) {
      const row = rows.row(--from)
      bytes += rowBytes(row)
      fileBytes += row.file?.bytes ?? 0
      if (this.#catalog.isAt(row, segment) && this.retention.seemsToStay(this.#catalog.index.row())) {
        this.#copiedBytes += row.length
      }
      const turn = share.spend(WORK_OF_A_HINT_ROW)
      if (turn !== undefined) await turn
    }
    if (from === 0) return undefined
    const { offset, length } = rows.row(from - 1)
    const leftBytes = offset + length
    const slice = rows.between(from, this.#count)
    return { segment, rows: slice, bytes, fileBytes, leftBytes, overrules: (row) => this.#overrules(row, leftBytes) }
  }

  #rest(): Part {
    const { segment } = this
    const { fileBytes } = segment
    const rows = this.#rows?.between(0, this.#count)
    return { segment, rows, bytes: segment.bytes + fileBytes, fileBytes, leftBytes: 0, overrules: () => false }
  }

  #overrules({ type, low, high }: HintRow, leftBytes: number): boolean {
    if (this.#overruled.has(fileKey(low, high))) return true
    const { index } = this.#catalog
    return type === SOFTENED && index.find(low, high) && index.segment === this.segment.slot && index.offset < leftBytes
  }
}
