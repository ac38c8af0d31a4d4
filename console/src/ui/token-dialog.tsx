import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { token } from '../state/api.ts'
import { connect, connection } from '../state/store.ts'
import { Toned } from './tone.tsx'

/** Shown while the service refuses: asks for the token, or says why there is no way in. */
export function TokenDialog() {
  const dialog = useRef<HTMLDialogElement>(null)
  const typed = useSignal('')
  const { value } = connection
  const refusal = value.state === 'refused' ? value.refusal : undefined
  useEffect(() => {
    if (refusal && !dialog.current!.open) dialog.current!.showModal()
    else if (value.state === 'live') dialog.current!.close()
  }, [refusal, value.state])
  const isTokenWanted = refusal?.code === 'TOKEN_REQUIRED'
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="token-title" onCancel={(event) => event.preventDefault()}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault()
          token.value = typed.value.trim() || undefined
          connect()
        }}
      >
        <h2 id="token-title">{isTokenWanted ? 'This console needs its token' : 'This console shows nothing here'}</h2>
        {isTokenWanted ? (
          <>
            <p>It is the one the service was started with. This page keeps it in memory until it is reloaded.</p>
            <label class="field">
              <span>token</span>
              <input
                type="password"
                name="token"
                autocomplete="off"
                value={typed.value}
                onInput={(event) => {
                  typed.value = event.currentTarget.value
                }}
              />
            </label>
          </>
        ) : (
          <p>{refusal?.message}</p>
        )}
        <div class="outcome" role="status">
          {isTokenWanted && token.value !== undefined && <Toned tone="broken">This is not the token.</Toned>}
        </div>
        <div class="dialog-foot">
          <button type="submit" class="action">
            {isTokenWanted ? 'Open' : 'Try again'}
          </button>
        </div>
      </form>
    </dialog>
  )
}
