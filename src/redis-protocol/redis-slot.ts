import { charCodeAt } from '../core/char-code-at.js'

export const SLOTS = 16_384

/** CRC-16/XMODEM, as Redis Cluster computes it: polynomial 0x1021, begun with 0. */
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  return crc
})

/** By character as long as each is a byte of its own: every key that is read on Cluster comes by. */
export function crc16(text: string): number {
  let crc = 0
  for (let at = 0; at < text.length; at++) {
    const code = charCodeAt(text, at)
    if (code > 127) return crc16OfBytes(Buffer.from(text))
    crc = next(crc, code)
  }
  return crc
}

function crc16OfBytes(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) crc = next(crc, byte)
  return crc
}

function next(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ byte]!
}

/** The slot of a key on Redis Cluster: of the text between its first brace and the next closing one, if there is any. */
export function slotOf(key: string): number {
  const from = key.indexOf('{')
  const to = from < 0 ? -1 : key.indexOf('}', from + 1)
  return crc16(to > from + 1 ? key.slice(from + 1, to) : key) % SLOTS
}
