/** Parts of one value that are looked at; what is behind them is taken to be like what was seen. */
const MAX_PARTS = 2_000
/** Characters looked at to tell whether a text takes one or two bytes a character. */
const SAMPLE_CHARACTERS = 1_024

const WORD = 8
const HEADER = 24

/**
 * What a value takes of the heap, in bytes, roughly as V8 lays it out. Bounded work whatever the size; cycles and
 * shared parts count once.
 */
export function estimateBytes(value: unknown): number {
  if (typeof value === 'string') return textBytes(value)
  if (typeof value !== 'object' || value === null) return scalarBytes(value)
  return new Walk().bytes(value)
}

/** A text's own bytes: header and one or two bytes a character. */
export function textBytes(text: string): number {
  return 16 + (isOneByte(text) ? text.length : text.length * 2)
}

class Walk {
  readonly #seen = new Set<object>()
  #partsLeft = MAX_PARTS

  bytes(value: unknown): number {
    if (typeof value === 'string') return textBytes(value)
    if (typeof value !== 'object' || value === null) return scalarBytes(value)
    if (this.#seen.has(value)) return 0
    this.#seen.add(value)
    if (ArrayBuffer.isView(value)) return 96 + value.byteLength
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return 96 + value.byteLength
    if (Array.isArray(value)) return HEADER + 16 + this.#parts(value, value.length, WORD)
    if (value instanceof Map) return HEADER + 32 + this.#parts(pairsOf(value), value.size, 2 * WORD + 12)
    if (value instanceof Set) return HEADER + 32 + this.#parts(value, value.size, WORD + 12)
    if (value instanceof Date) return HEADER + 64
    const values = Object.values(value)
    return HEADER + this.#parts(values, values.length, WORD)
  }

  /** A container's parts; `each` is what a part takes in the container itself. */
  #parts(parts: Iterable<unknown>, count: number, each: number): number {
    let sum = 0
    let looked = 0
    for (const part of parts) {
      if (this.#partsLeft === 0) break
      this.#partsLeft--
      looked++
      sum += this.bytes(part)
    }
    const unseen = count - looked
    return count * each + sum + (looked === 0 ? unseen * WORD : Math.ceil((sum / looked) * unseen))
  }
}

function* pairsOf(map: ReadonlyMap<unknown, unknown>): Iterable<unknown> {
  for (const [key, value] of map) yield [key, value]
}

function scalarBytes(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return Number.isSafeInteger(value) ? 0 : 16
    case 'bigint':
      return HEADER + WORD * Math.ceil(value.toString(16).length / 16)
    case 'symbol':
    case 'function':
      return 64
    default:
      return 0
  }
}

function isOneByte(text: string): boolean {
  if (text.length <= 3 * SAMPLE_CHARACTERS) return !hasWideCharacter(text)
  const middle = (text.length - SAMPLE_CHARACTERS) >>> 1
  return !(
    hasWideCharacter(text.slice(0, SAMPLE_CHARACTERS)) ||
    hasWideCharacter(text.slice(middle, middle + SAMPLE_CHARACTERS)) ||
    hasWideCharacter(text.slice(-SAMPLE_CHARACTERS))
  )
}

function hasWideCharacter(text: string): boolean {
  return /[\u0100-\uffff]/.test(text)
}
