import { signal } from '@preact/signals'

/** One thing to fill in before a change is made. */
export interface ChangeField {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly hint?: string
  /** It must not be empty. */
  readonly isRequired?: boolean
  /** One of these; without them any text. */
  readonly options?: readonly string[]
}

/** Something that changes the service: it is asked for, confirmed, made, and told. */
export interface Change {
  readonly title: string
  /** What it will do, in sentences. */
  readonly explains: readonly string[]
  readonly fields: readonly ChangeField[]
  /** The word on the button that makes it. */
  readonly verb: string
  /** It goes in steps, and ends between two of them once `signal` says so. */
  readonly canStop?: boolean
  /** `tell` says how far it is; `signal`: somebody pressed Stop or closed the dialog. */
  run(
    values: Readonly<Record<string, string>>,
    progress: { readonly tell: (line: string) => void; readonly signal: AbortSignal },
  ): Promise<readonly string[]>
}

/** The change that is being asked for. */
export const change = signal<Change | undefined>(undefined)
