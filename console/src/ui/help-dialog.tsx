import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { VIEWS } from '../views.ts'

export const isHelpOpen = signal(false)

const KEYS = [
  ['/', 'to the filter'],
  ['p', 'pause, and go on'],
  ['?', 'this help'],
  ['Esc', 'closes a dialog, leaves a filter'],
] as const

export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (isHelpOpen.value) dialog.current!.showModal()
    else dialog.current!.close()
  }, [isHelpOpen.value])
  const views = VIEWS.map(({ title }, index) => [String(index + 1), title] as const)
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onClose={() => (isHelpOpen.value = false)}>
      <form method="dialog">
        <h2 id="help-title">Keys and signs</h2>
        <dl class="keys">
          {[...views, ...KEYS].map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <p>
          <span class="good">✔ green</span> is good, <span class="look">▲ amber</span> wants a look,{' '}
          <span class="broken">✖ red</span> is broken.
        </p>
        <div class="dialog-foot">
          <button type="submit" class="action">
            Close
          </button>
        </div>
      </form>
    </dialog>
  )
}
