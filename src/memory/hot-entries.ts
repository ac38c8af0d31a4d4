import { KeyMarks } from './key-marks.js'

const MIN_BITS = 8
/** At most 32,768 places, 1 MB: the keys that most reads are for. */
const MAX_BITS = 15

/** Words of a place. Four places, whose keys' marks begin alike, make a set: one cache line of words, one of pairs. */
const STRIDE_BITS = 2
const WAYS_BITS = 2
const WAYS = 1 << WAYS_BITS
/** Bits of the mark that say which of its set's places a key would like: looked at first, so few look-ups see another. */
const HOME_SHIFT = 16
/** Eight bits of the mark above, the slot below. 0 = nothing here. */
const TAG = 0
const SPACE_ID = 1
/** The namespace's sequence at which the entry was judged. */
const SEEN = 2
/** End of its fresh life, in steps of 32 ms rounded down: 31 bits, for 397 days; the lowest bit above 0 = `WARM`. */
const FRESH_UNTIL = 3
/** Read since it was put here or last defended its place. */
const WARM = 1

const SLOT_BITS = 24
const SLOT_MASK = (1 << SLOT_BITS) - 1
const TAG_MASK = 0xff
const TAG_SHIFT = 8
const STEPS_A_MS = 1 / 32
const MAX_STEPS = 0x3fff_ffff

/** Of look-ups that the table doesn't answer, one in four is noted; so many for each place, and it has had its chance. */
const UNNOTED_MASK = 3
const PASSES_A_PLACE = 4
/**
 * It must answer so many for each that it doesn't: a look in vain and the upkeep cost more than an answer saves. And a
 * third of it in the first quarter of the time, while it fills, or the rest of the trial is not worth its price.
 */
const LEAST_ANSWERS_A_PASS = 3
const LEAST_ANSWERS_A_FIRST_PASS = 1
/** It rests for so many times the look-ups after which it was judged. */
const REST = 16

/** Notes after which marks that don't tell keys apart are noticed. */
const NOTES_A_LOOK = 4096

/** What a look-up found, to be found again. */
export interface FoundEntry {
  readonly spaceId: number
  readonly key: string
  readonly value: unknown
  readonly slot: number
  readonly sequence: number
  readonly freshUntilMs: number
}

/**
 * In front of the index: a four-way table of what the latest look-ups of text keys found. A key that is asked for again
 * and again needs neither a hash over all its characters nor the way through index, group and record: a few characters
 * make its mark (`key-marks.ts`), and all that a fresh answer needs lies in two cache lines.
 *
 * Whoever changes an entry calls `forget`; invalidations by tag or clear show in the sequence. Who was read lately
 * keeps its place once against another key, so that a crowd of keys that are read once does not wear the table out.
 * Where reads spread over too many keys for that, the table rests: it would only take room in the processor's caches.
 */
export class HotEntries {
  readonly #marks = new KeyMarks()
  readonly #sampleKeys: () => readonly string[]
  #shift = 32 + WAYS_BITS - MIN_BITS
  #words = new Int32Array(1 << (MIN_BITS + STRIDE_BITS))
  /** Key and value of each place; the key is '' where there is none, so that text is only ever compared with text. */
  #pairs = emptyPairs(1 << MIN_BITS)
  /** True while the table isn't worth its while: it is kept true, but neither asked nor told of more. */
  isResting = false
  #answers = 0
  #isFirstLook = true
  #passesLeft = 1 << MIN_BITS
  #notesLeft = NOTES_A_LOOK
  #notesALook = NOTES_A_LOOK
  /** Notes whose mark another key had already. */
  #sameMarks = 0
  /** Where `read` found what it answered last. */
  #readPlace = 0

  /** `sampleKeys`: text keys that are held, picked evenly, to learn from where they differ. */
  constructor(sampleKeys: () => readonly string[]) {
    this.#sampleKeys = sampleKeys
  }

  /** The value of an entry that is fresh and was judged at this sequence, `undefined` if there is none. */
  read(spaceId: number, key: string, sequence: number, nowMs: number): unknown {
    const mark = this.#marks.of(spaceId, key)
    const words = this.#words
    const tag = (mark >>> TAG_SHIFT) & TAG_MASK
    const first = (mark >>> this.#shift) << WAYS_BITS
    const home = mark >>> HOME_SHIFT
    for (let way = home; way < home + WAYS; way++) {
      const place = first | (way & (WAYS - 1))
      const at = place << STRIDE_BITS
      if (words[at]! >>> SLOT_BITS !== tag) continue
      const freshUntil = words[at + FRESH_UNTIL]!
      if (
        words[at + SPACE_ID] === spaceId &&
        words[at + SEEN] === (sequence | 0) &&
        nowMs * STEPS_A_MS < freshUntil >> 1 &&
        this.#pairs[place << 1] === key
      ) {
        if ((freshUntil & WARM) === 0) words[at + FRESH_UNTIL] = freshUntil | WARM
        this.#readPlace = place
        return this.#pairs[(place << 1) + 1]
      }
    }
    return undefined
  }

  /** The slot of what was read last, which counts as an answer. */
  answered(): number {
    this.#answers++
    return this.#words[this.#readPlace << STRIDE_BITS]! & SLOT_MASK
  }

  /**
   * Another look-up went the long way. True: note what it found. Of those one in four is noted, so that what is read all
   * the time comes here soon and what is read twice or thrice seldom does.
   *
   * `areAnswersCounted`: whether `answered` is called for each answer; unless it is, all are noted and nothing is judged.
   */
  passed(areAnswersCounted: boolean): boolean {
    if (!areAnswersCounted || --this.#passesLeft === 0) this.#judge(areAnswersCounted)
    return !this.isResting && (this.#passesLeft & UNNOTED_MASK) === 0
  }

  note(found: FoundEntry): void {
    if (--this.#notesLeft === 0) this.#lookAtMarks()
    const mark = this.#marks.of(found.spaceId, found.key)
    const place = this.#placeFor(mark, found)
    if (place < 0) return
    const at = place << STRIDE_BITS
    const words = this.#words
    words[at + TAG] = (((mark >>> TAG_SHIFT) & TAG_MASK) << SLOT_BITS) | found.slot
    words[at + SPACE_ID] = found.spaceId
    words[at + SEEN] = found.sequence
    words[at + FRESH_UNTIL] = Math.min(Math.floor(found.freshUntilMs * STEPS_A_MS), MAX_STEPS) << 1
    this.#pairs[place << 1] = found.key
    this.#pairs[(place << 1) + 1] = found.value
  }

  /** The entry in `slot` changes or goes. */
  forget(spaceId: number, key: string, slot: number): void {
    const mark = this.#marks.of(spaceId, key)
    const first = (mark >>> this.#shift) << WAYS_BITS
    const tag = (((mark >>> TAG_SHIFT) & TAG_MASK) << SLOT_BITS) | slot
    const words = this.#words
    for (let place = first; place < first + WAYS; place++) {
      const at = place << STRIDE_BITS
      if (words[at] !== tag) continue
      words[at] = 0
      words[at + SPACE_ID] = 0
      words[at + FRESH_UNTIL] = 0
      this.#pairs[place << 1] = ''
      this.#pairs[(place << 1) + 1] = undefined
    }
  }

  /** Room for the hottest of so many entries. What was known is forgotten when it grows. */
  ensureRoom(entries: number): void {
    let bits = 32 + WAYS_BITS - this.#shift
    if (bits === MAX_BITS || entries <= roomFor(bits)) return
    while (bits < MAX_BITS && entries > roomFor(bits)) bits++
    this.#marks.learn(this.#sampleKeys())
    this.#shift = 32 + WAYS_BITS - bits
    this.#words = new Int32Array(1 << (bits + STRIDE_BITS))
    this.#pairs = emptyPairs(1 << bits)
    this.#judge(false)
  }

  /** The place to note an entry at; -1 if all are taken by keys that were read lately. */
  #placeFor(mark: number, { key, slot }: FoundEntry): number {
    const words = this.#words
    const first = (mark >>> this.#shift) << WAYS_BITS
    const tag = (mark >>> TAG_SHIFT) & TAG_MASK
    let coldest = -1
    let alike = 0
    const home = mark >>> HOME_SHIFT
    for (let way = home + WAYS - 1; way >= home; way--) {
      const place = first | (way & (WAYS - 1))
      const word = words[place << STRIDE_BITS]!
      if ((word & SLOT_MASK) === slot && this.#pairs[place << 1] === key) return place
      if (word !== 0 && word >>> SLOT_BITS === tag) alike++
      const isWarm = (words[(place << STRIDE_BITS) + FRESH_UNTIL]! & WARM) === WARM
      if (word === 0 || (!isWarm && (coldest < 0 || words[coldest << STRIDE_BITS] !== 0))) coldest = place
    }
    if (alike > 1) this.#sameMarks++
    if (coldest >= 0) return coldest
    for (let place = first; place < first + WAYS; place++) words[(place << STRIDE_BITS) + FRESH_UNTIL]! &= ~WARM
    return -1
  }

  /** Looks back on as many look-ups as it takes to know a place's worth of keys, or ends a rest. */
  #judge(areAnswersCounted: boolean): void {
    const places = this.#words.length >> STRIDE_BITS
    const passes = PASSES_A_PLACE * places
    const isTrial = areAnswersCounted && !this.isResting
    if (isTrial && this.#isFirstLook && this.#answers >= LEAST_ANSWERS_A_FIRST_PASS * places) {
      this.#isFirstLook = false
      this.#passesLeft = passes - places
      return
    }
    this.isResting = isTrial && (this.#isFirstLook || this.#answers < LEAST_ANSWERS_A_PASS * passes)
    this.#isFirstLook = true
    this.#passesLeft = this.isResting ? passes * REST : places
    this.#answers = 0
  }

  /** Many keys with one mark: other keys are asked for than those that the marks were learned from. */
  #lookAtMarks(): void {
    const areAlike = this.#sameMarks * 8 > this.#notesALook
    if (areAlike && this.#marks.learn(this.#sampleKeys())) {
      this.#words.fill(0)
      this.#pairs = emptyPairs(this.#pairs.length / 2)
    }
    // Learning costs a millisecond or two; where it doesn't help, it is tried ever more seldom.
    if (areAlike) this.#notesALook = Math.min(this.#notesALook * 2, 1 << 24)
    this.#notesLeft = this.#notesALook
    this.#sameMarks = 0
  }
}

function emptyPairs(places: number): unknown[] {
  return new Array<unknown>(places * 2).fill('')
}

/** Sets of four lose little while a quarter of their places is free. */
function roomFor(bits: number): number {
  return 3 << (bits - 2)
}
