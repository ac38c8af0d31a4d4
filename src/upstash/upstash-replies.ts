/**
 * A result as it came over the wire: texts in base64 if the server keeps to `Upstash-Encoding`, except 'OK'. What is no
 * base64 although it should be comes out as undefined, which no reader of replies takes for an answer.
 */
export function decodeResult(result: unknown, isBase64: boolean): unknown {
  if (!isBase64) return result
  if (Array.isArray(result)) return result.map((item) => decodeResult(item, true))
  if (typeof result !== 'string' || result === 'OK') return result
  const bytes = Buffer.from(result, 'base64')
  return bytes.length === bytesOf(result) ? bytes.toString() : undefined
}

/** How many bytes base64 text stands for; NaN if its length is none of base64. `Buffer` passes over what is wrong. */
function bytesOf(text: string): number {
  if (text.length % 4 !== 0) return Number.NaN
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0
  return (text.length / 4) * 3 - padding
}

/** One command's part of an answer. */
export type UpstashResult = { readonly result: unknown } | { readonly error: string }

/** The parts of a pipeline's answer; undefined if it is no such answer. */
export function pipelineResults(body: unknown, commands: number): UpstashResult[] | undefined {
  if (!Array.isArray(body) || body.length !== commands) return undefined
  const isResult = (item: unknown): item is UpstashResult =>
    typeof item === 'object' &&
    item !== null &&
    ('result' in item || typeof (item as { error?: unknown }).error === 'string')
  return body.every(isResult) ? body : undefined
}

/** `{ error }`, which a server answers when it refuses a request as a whole. */
export function errorOf(body: unknown): string | undefined {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as { error?: unknown }
  return typeof error === 'string' ? error : undefined
}
