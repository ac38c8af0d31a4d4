export interface Snippet {
  /** 'example': type checks. 'runs': type checks, and ends by itself with exit code 0. */
  readonly kind: 'example' | 'runs'
  readonly line: number
  readonly code: string
}

/** The TypeScript blocks that claim to be whole: fenced as `ts example` or `ts runs`. */
export function snippetsOf(markdown: string): Snippet[] {
  return [...markdown.matchAll(/^```ts (example|runs)\n(.*?)^```$/gms)].map((match) => ({
    kind: match[1] as Snippet['kind'],
    line: markdown.slice(0, match.index).split('\n').length,
    code: match[2]!,
  }))
}

/** Targets of links and pictures. */
export function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```$/gms, '').replace(/`[^`]*`/g, '')
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!)
}

/** The anchors that GitHub gives to headings. */
export function anchorsOf(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
