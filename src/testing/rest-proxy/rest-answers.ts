import { RespError, RespStatus, type RespValue } from './resp-parser.js'

/** A command's part of an answer. */
export type RestResult = { readonly result: unknown } | { readonly error: string }

/** Texts as they are (what is no UTF-8 becomes U+FFFD), or in base64, except the status 'OK'. */
export function toResult(reply: RespValue, isBase64: boolean): RestResult {
  if (reply instanceof RespError) return { error: reply.text }
  if (reply instanceof RespStatus && reply.text === 'OK') return { result: 'OK' }
  return { result: toJson(reply, isBase64) }
}

function toJson(reply: RespValue, isBase64: boolean): unknown {
  if (Array.isArray(reply)) return reply.map((item) => toJson(item, isBase64))
  if (typeof reply === 'number' || reply === null) return reply
  const bytes = Buffer.isBuffer(reply) ? reply : Buffer.from(reply.text)
  return bytes.toString(isBase64 ? 'base64' : 'utf8')
}
