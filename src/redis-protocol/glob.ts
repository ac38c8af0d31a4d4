/** One step of a glob: a character that stands for itself, `?` or `*`. */
type Step = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'one' } | { readonly kind: 'any' }

/**
 * A glob over whole text: `*` any text, `?` one character, `\` takes the next one literally. Anchored at both ends.
 * Matches in time proportional to text times glob, whatever the glob.
 */
export class Glob {
  readonly #steps: readonly Step[]

  constructor(glob: string) {
    const steps: Step[] = []
    const characters = [...glob]
    for (let at = 0; at < characters.length; at++) {
      const character = characters[at]!
      if (character === '*') steps.push({ kind: 'any' })
      else if (character === '?') steps.push({ kind: 'one' })
      else if (character === '\\' && at + 1 < characters.length) steps.push({ kind: 'text', text: characters[++at]! })
      else steps.push({ kind: 'text', text: character })
    }
    this.#steps = steps
  }

  matches(text: string): boolean {
    const characters = [...text]
    let step = 0
    let at = 0
    let starAt = -1
    let resumeAt = 0
    while (at < characters.length) {
      const current = this.#steps[step]
      if (current?.kind === 'any') {
        starAt = step++
        resumeAt = at
      } else if (current && (current.kind === 'one' || current.text === characters[at])) {
        step++
        at++
      } else if (starAt >= 0) {
        step = starAt + 1
        at = ++resumeAt
      } else return false
    }
    while (this.#steps[step]?.kind === 'any') step++
    return step === this.#steps.length
  }

  /** The same for `SCAN MATCH`, or wider: Redis counts bytes where this counts characters. */
  toRedis(): string {
    return this.#steps.map((step) => (step.kind === 'text' ? escapeForRedis(step.text) : '*')).join('')
  }
}

/** Text that `SCAN MATCH` takes literally. */
export function escapeForRedis(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&')
}
