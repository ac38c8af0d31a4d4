import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One fenced block of a page, in its place. */
export interface Step {
  readonly name: string
  /** `run`: the drill runs it as it stands. `yours`: what it names differs from place to place; the drill does the same. */
  readonly kind: 'run' | 'yours'
  readonly text: string
  readonly exitCode: number
}

/** One row of a table: `| metrics | \`cache_is_current == 0\` | … |`. */
export interface Condition {
  readonly seenIn: 'metrics' | 'health' | 'console' | 'events' | 'log'
  readonly text: string
}

/** A page for the person on call, as far as a program can follow it. */
export interface Playbook {
  readonly title: string
  readonly symptom: readonly Condition[]
  readonly over: readonly Condition[]
  readonly steps: readonly Step[]
}

const STEP = /^```sh (step|yours)=([a-z-]+)(?: exit=(\d+))?\n(.*?)^```$/gms
const ROW = /^\| (metrics|health|console|events|log) \| `([^`]+)`/gm

/** @param folder of the pages. */
export function readPlaybook(folder: string, name: string): Playbook {
  return parsePlaybook(readFileSync(join(folder, `${name}.md`), 'utf8'))
}

export function parsePlaybook(markdown: string): Playbook {
  const part = (title: string): string => {
    const [, text] = new RegExp(`^## ${title}\\n(.*?)(?=^## |$(?![\\s\\S]))`, 'ms').exec(markdown) ?? []
    if (text === undefined) throw new Error(`The page has no part '${title}'.`)
    return text
  }
  return {
    title: /^# (.+)$/m.exec(markdown)?.[1] ?? '',
    symptom: conditionsIn(part('Symptom')),
    over: conditionsIn(part('It is over when')),
    steps: [...markdown.matchAll(STEP)].map(([, kind, name, exitCode = '0', text]) => ({
      name: name!,
      kind: kind === 'step' ? 'run' : 'yours',
      text: text!.trim(),
      exitCode: Number(exitCode),
    })),
  }
}

function conditionsIn(text: string): Condition[] {
  const found = [...text.matchAll(ROW)].map(([, seenIn, condition]) => ({
    seenIn: seenIn as Condition['seenIn'],
    // A table's own sign is escaped.
    text: condition!.replaceAll('\\|', '|'),
  }))
  if (found.length === 0) throw new Error('A table of conditions is empty.')
  return found
}
