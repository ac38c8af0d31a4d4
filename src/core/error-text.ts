<<<<<<<< HEAD:src/core/error-text.ts
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
========
const SECRET_NAMES = 'password|passwd|pwd|secret|token|api[-_]?key|authorization|credentials?'

/** Text from outside (an error of a driver, a URL) without what may be a secret in it. */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/]*@/gi, '$1***@')
    .replace(/\bbearer\s+[^\s"',;]+/gi, 'Bearer ***')
    .replace(new RegExp(`(["']?\\b(?:${SECRET_NAMES})["']?\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s"',;&]+)`, 'gi'), '$1***')
>>>>>>>> 31a8215 (Errors, explain and doctor repeat no password; a test for each sink, for each command and tenant, and for a million keys):src/core/redact.ts
}
