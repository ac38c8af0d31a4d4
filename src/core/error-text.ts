import { CacheError } from './errors.js'
import { redact } from './redact.js'

const MAX_LENGTH = 500

/** An error as one line that may be shown: its message without secrets, behind its code if the message lacks it. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return redact(String(error)).slice(0, MAX_LENGTH)
  const { code } = error as { code?: unknown }
  const message = redact(error.message).slice(0, MAX_LENGTH)
  // Ours are told by their messages; a system's error may have an empty one.
  const isCodeNews = typeof code === 'string' && !CacheError.is(error) && !message.includes(code)
  return isCodeNews ? `${code}: ${message}` : message
}
