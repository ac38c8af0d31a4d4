import type { ComponentChildren } from 'preact'

/** A framed part of a view. */
export function Panel({
  title,
  note,
  id,
  children,
  class: name = '',
}: {
  title: string
  note?: ComponentChildren
  id?: string
  children: ComponentChildren
  class?: string
}) {
  return (
    <section class={`panel ${name}`} aria-label={title} id={id}>
      <div class="panel-head">
        <h2>{title}</h2>
        {note !== undefined && <div class="quiet">{note}</div>}
      </div>
      <div class="panel-body">{children}</div>
    </section>
  )
}

/** One number that matters, with what it is. */
export function Figure({
  label,
  value,
  children,
}: {
  label: string
  value: ComponentChildren
  children?: ComponentChildren
}) {
  return (
    <div class="figure" data-figure={label}>
      <div class="figure-label">{label}</div>
      <div class="figure-value">{value}</div>
      <div class="figure-note">{children}</div>
    </div>
  )
}

/** A share of a whole as a bar beside its number. */
export function Bar({ share, tone = 'plain' }: { share: number; tone?: 'plain' | 'good' | 'look' }) {
  return (
    <svg class={`bar ${tone}`} viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-track" width="100" height="6" />
      <rect class="bar-fill" width={Math.max(0, Math.min(100, 100 * share))} height="6" />
    </svg>
  )
}
