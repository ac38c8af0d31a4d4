/** What Redis answers in RESP2: a text's bytes, a status, a number, nothing, an error, or a list of these. */
export type RespValue = Buffer | RespStatus | RespError | number | null | RespValue[]

export class RespStatus {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** An error as a value: in a list it stands beside other answers. */
export class RespError {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const CRLF = Buffer.from('\r\n')
const MAX_LINE_BYTES = 64 * 1024

/** Reads replies from a stream, however its chunks are cut. Each byte is looked at once. */
export class RespParser {
  readonly #onReply: (reply: RespValue) => void
  readonly #maxBytes: number
  /** Lists that are not complete, the outermost first. */
  readonly #lists: { readonly items: RespValue[]; missing: number }[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  /** Bytes without which there is no use in looking. */
  #needed = 1
  /** Length of the text that is being read; undefined between two. */
  #textLength: number | undefined

  constructor(onReply: (reply: RespValue) => void, maxBytes: number) {
    this.#onReply = onReply
    this.#maxBytes = maxBytes
  }

  /** @throws Error if this is no RESP2, or a text is above the limit. */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#needed) return
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    for (let used = this.#read(rest); used > 0; used = this.#read(rest)) rest = rest.subarray(used)
    this.#chunks = rest.length > 0 ? [rest] : []
    this.#bytes = rest.length
  }

  /** Reads one line or one text; answers how many bytes it took, 0 = more must come. */
  #read(bytes: Buffer): number {
    if (this.#textLength !== undefined) return this.#readText(bytes, this.#textLength)
    const end = bytes.indexOf(CRLF)
    if (end < 0) {
      if (bytes.length > MAX_LINE_BYTES) throw new Error('the server does not speak RESP')
      this.#needed = bytes.length + 1
      return 0
    }
    this.#line(bytes.toString('utf8', 0, 1), bytes.toString('utf8', 1, end))
    return end + CRLF.length
  }

  #readText(bytes: Buffer, length: number): number {
    const used = length + CRLF.length
    this.#needed = used
    if (bytes.length < used) return 0
    this.#textLength = undefined
    this.#needed = 1
    // A copy: the chunk may be much larger, and is not kept for it.
    this.#add(Buffer.from(bytes.subarray(0, length)))
    return used
  }

  #line(type: string, text: string): void {
    switch (type) {
      case '+':
        this.#add(new RespStatus(text))
        break
      case '-':
        this.#add(new RespError(text))
        break
      case ':':
        this.#add(numberOf(text))
        break
      case '$':
        this.#beginText(numberOf(text))
        break
      case '*':
        this.#beginList(numberOf(text))
        break
      default:
        throw new Error('the server does not speak RESP')
    }
  }

  #beginText(length: number): void {
    if (length > this.#maxBytes) throw new Error(`a reply of ${length} bytes is above the limit`)
    if (length < 0) this.#add(null)
    else this.#textLength = length
  }

  #beginList(length: number): void {
    if (length <= 0) this.#add(length < 0 ? null : [])
    else this.#lists.push({ items: [], missing: length })
  }

  #add(value: RespValue): void {
    let complete = value
    for (let list = this.#lists.at(-1); list !== undefined; list = this.#lists.at(-1)) {
      list.items.push(complete)
      if (--list.missing > 0) return
      complete = list.items
      this.#lists.pop()
    }
    this.#onReply(complete)
  }
}

function numberOf(text: string): number {
  if (!/^-?\d+$/.test(text)) throw new Error('the server does not speak RESP')
  return Number(text)
}
