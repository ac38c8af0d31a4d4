/**
 * What a read came to. 'missing' also stands for a fill that returned `undefined`: there is nothing, and nothing was
 * stored.
 */
export type Found =
  | {
      readonly state: 'fresh' | 'stale'
      readonly value: unknown
      /** Who answered: a tier's name, 'fill', or 'flight' for a caller that joined. */
      readonly source: string
      readonly freshUntilMs: number
      readonly staleMs: number
      readonly storedAtMs: number
      readonly tags: readonly string[]
      /** The namespace's sequence at which it was known to be alive. */
      readonly seen: number
      /** Every invalidation acknowledged before this moment (monotonic) is reflected; -Infinity: nothing is known. */
      readonly provenAtMs: number
      /** False for a fill's value that no tier kept. */
      readonly isStored: boolean
      /** As another tier has it, or will: a tier that keeps text need not make its own. */
      readonly form?: StoredForm | undefined
      /** Of what memory holds: the space's count of key events when it was looked at. */
      readonly heldAt?: number
    }
  | { readonly state: 'missing' }
  | { readonly state: 'failed'; readonly error: unknown }

export type FoundValue = Extract<Found, { state: 'fresh' | 'stale' }>

/** The encoded value, and the control block's state that it has seen. */
export interface StoredForm {
  readonly codec: string
  readonly body: string
  readonly epoch: string
  readonly born: number
}

export const MISSING: Found = Object.freeze({ state: 'missing' })
