import type { ComponentChildren } from 'preact'

/** Green is good, amber wants a look, red is broken. Each has a sign, so that none stands by its colour alone. */
export type Tone = 'good' | 'look' | 'broken' | 'quiet'

const SIGNS: Record<Tone, string> = { good: '✔', look: '▲', broken: '✖', quiet: '·' }

export function Toned({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={tone}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {children}
    </span>
  )
}
