import { isPaused, setPaused } from './state/store.ts'
import { isHelpOpen } from './ui/help-dialog.tsx'
import { go, VIEWS } from './views.ts'

/** Single keys, as in a pager. Returns the end of it. */
export function askForKeys(): () => void {
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}

function pressed(event: KeyboardEvent): void {
  const { target, key } = event
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) {
    if (key === 'Escape') target.blur()
    return
  }
  if (/^[1-9]$/.test(key)) {
    const view = VIEWS[Number(key) - 1]
    if (view) go(view.id)
  } else if (key === '/') {
    document.getElementById('filter')?.focus()
  } else if (key === '?') {
    isHelpOpen.value = true
  } else if (key === 'p') {
    setPaused(!isPaused.value)
  } else {
    return
  }
  event.preventDefault()
}
