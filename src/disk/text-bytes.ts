import { nextTurn } from './turn-clock.js'

/** Characters that are turned into UTF-8 in one turn of the loop: well below a millisecond. */
const PIECE = 512 * 1024

/** A value as bytes; a long text takes several turns. */
export async function toBytes(value: Buffer | string, byteLength: number): Promise<Buffer> {
  if (typeof value !== 'string') return value
  const bytes = Buffer.allocUnsafe(byteLength)
  let at = 0
  for (let from = 0; from < value.length; ) {
    const to = endOfPiece(value, from + PIECE)
    at += bytes.write(value.slice(from, to), at, 'utf8')
    from = to
    if (from < value.length) await nextTurn()
  }
  return bytes
}

/** A surrogate pair stays together: its halves alone are other bytes. */
function endOfPiece(text: string, end: number): number {
  if (end >= text.length) return text.length
  const code = text.charCodeAt(end)
  return code >= 0xdc00 && code <= 0xdfff ? end + 1 : end
}
