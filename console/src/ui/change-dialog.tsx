import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { reasonOf } from '../state/api.ts'
import { type Change, type ChangeField, change } from '../state/change.ts'
import { Toned } from './tone.tsx'

type Stage =
  | { readonly at: 'asking' }
  | { readonly at: 'running'; readonly line: string }
  | { readonly at: 'done'; readonly lines: readonly string[] }
  | { readonly at: 'failed'; readonly message: string }

/** Asks before anything is changed, and tells what was done. */
export function ChangeDialog() {
  const asked = change.value
  return asked === undefined ? null : <Asking key={asked.title} asked={asked} />
}

function Asking({ asked }: { asked: Change }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const stage = useSignal<Stage>({ at: 'asking' })
  const values = useSignal(Object.fromEntries(asked.fields.map(({ name, value }) => [name, value])))
  useEffect(() => {
    dialog.current!.showModal()
  }, [])
  const stop = useRef(new AbortController())
  const close = (): void => {
    stop.current.abort()
    change.value = undefined
  }
  const make = async (): Promise<void> => {
    const tell = (line: string): void => {
      stage.value = { at: 'running', line }
    }
    tell('asking the service …')
    try {
      stage.value = { at: 'done', lines: await asked.run(values.value, { tell, signal: stop.current.signal }) }
    } catch (error) {
      stage.value = { at: 'failed', message: reasonOf(error) }
    }
  }
  const isOver = stage.value.at === 'done'
  const isRunning = stage.value.at === 'running'
  const isStoppable = isRunning && asked.canStop === true
  const submit = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (isOver) submit.current!.focus()
  }, [isOver])
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="change-title" onClose={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          if (isOver) return
          event.preventDefault()
          if (!isRunning) void make()
        }}
      >
        <h2 id="change-title">{asked.title}</h2>
        {!isOver && asked.explains.map((line) => <p key={line}>{line}</p>)}
        {!isOver && (
          <div class="fields">
            {asked.fields.map((field) => (
              <Field
                key={field.name}
                field={field}
                value={values.value[field.name]!}
                changed={(value) => (values.value = { ...values.value, [field.name]: value })}
              />
            ))}
          </div>
        )}
        <Outcome stage={stage.value} />
        <div class="dialog-foot">
          {!isOver && (
            <button
              type="button"
              class="action"
              onClick={() => (isStoppable ? stop.current.abort() : dialog.current!.close())}
            >
              {isStoppable ? 'Stop' : isRunning ? 'Close' : 'Cancel'}
            </button>
          )}
          <button ref={submit} type="submit" class={`action ${isOver ? '' : 'danger'}`} disabled={isRunning}>
            {isOver ? 'Close' : asked.verb}
          </button>
        </div>
      </form>
    </dialog>
  )
}

function Outcome({ stage }: { stage: Stage }) {
  return (
    <div class="outcome" role="status">
      {stage.at === 'running' && <span class="quiet">{stage.line}</span>}
      {stage.at === 'failed' && <Toned tone="broken">Not done. {stage.message}</Toned>}
      {stage.at === 'done' && <Toned tone="good">{stage.lines.join(' ')}</Toned>}
    </div>
  )
}

function Field({
  field: { name, label, hint, isRequired, options },
  value,
  changed,
}: {
  field: ChangeField
  value: string
  changed: (value: string) => void
}) {
  return (
    <div class="field">
      <label for={`change-${name}`}>{label}</label>
      {options ? (
        <select
          id={`change-${name}`}
          name={name}
          value={value}
          onChange={(event) => changed(event.currentTarget.value)}
        >
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      ) : (
        <input
          id={`change-${name}`}
          name={name}
          value={value}
          required={isRequired ?? false}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => changed(event.currentTarget.value)}
        />
      )}
      {hint && <small class="quiet">{hint}</small>}
    </div>
  )
}

/** A button for a change. Without a token in the service nothing can be changed, and the button says so. */
export function ChangeButton({ canChange, ask, children }: { canChange: boolean; ask: () => void; children: string }) {
  const why = canChange ? undefined : 'Changes need a token: start the service with console: { token }'
  return (
    <button type="button" class="action" disabled={!canChange} title={why} onClick={ask}>
      {children}
    </button>
  )
}
