const SECRET_NAMES = 'password|passwd|pwd|secret|token|api[-_]?key|authorization|credentials?'

/** Text from outside (an error of a driver, a URL) without what may be a secret in it. */
export function redact(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)\S*@/gi, '$1***@')
    .replace(/\bbearer\s+[^\s"',;]+/gi, 'Bearer ***')
    .replace(new RegExp(`(["']?\\b(?:${SECRET_NAMES})["']?\\s*[=:]\\s*)("[^"]*"|'[^']*'|[^\\s"',;&]+)`, 'gi'), '$1***')
}
