const SECRET_NAMES = 'password|passwd|pwd|secret|token|api[-_]?key|authorization|credentials?'

/**
 * Text from outside (an error of a driver, a URL, a key that is refused) without what may be a secret in it. In linear
 * time: whoever sends a long text must not keep this process busy.
 */
export function redact(text: string): string {
  return text
    .replace(/\S+/g, withoutUserInfo)
    .replace(/\bbearer\s+[^\s"',;]+/gi, 'Bearer ***')
    .replace(new RegExp(`(["']?\\b(?:${SECRET_NAMES})["']?\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s"',;&]+)`, 'gi'), '$1***')
}

function withoutUserInfo(word: string): string {
  const start = word.indexOf('://')
  const end = word.lastIndexOf('@')
  return start === -1 || end < start ? word : `${word.slice(0, start)}://***${word.slice(end)}`
}
