import type { KeyMutant, KeyScope } from './key-protocol.js'
import { type Add, isFlight, type Joining, NOTHING, type Reader, type State } from './key-state.js'

/**
 * Strict callers that join a strict flight of their own process, as `src/core/flight-joins.ts` lets them:
 *
 * ```
 *  call ─┬─ the flight has not begun to load ─► waits ─┬─ its load begins: after the call ─► joined
 *        │                                             └─ it ends without ────────────────► again
 *        └─ it loads ─► look (RENEW) ─► looked ─┬─ its lease stood, nothing poisoned it ──► joined, or what it brought
 *                                               └─ else ──────────────────────────────────► again
 *  again ─┬─ another flight: as above; one that began after the call ─► joined
 *         └─ none ─► a flight of its own
 * ```
 */
export class StrictJoins {
  readonly #scope: KeyScope
  readonly #mutant: KeyMutant | undefined

  constructor(scope: KeyScope, mutant: KeyMutant | undefined) {
    this.#scope = scope
    this.#mutant = mutant
  }

  /** True if another strict caller may wait for this flight; else nobody sees when its load begins. */
  isWatched(index: number): boolean {
    return this.#isStrict(index) && this.#peers(index).some((other) => this.#isStrict(other))
  }

  /** The flights that a strict caller may consider. */
  candidates({ readers }: State, index: number): number[] {
    const refused = readers[index]!.joining?.refused
    return this.#peers(index).filter(
      (other) =>
        other !== refused &&
        this.#isStrict(other) &&
        isFlight(readers[other]!) &&
        (!readers[other]!.poisoned || this.#mutant === 'join-poisoned'),
    )
  }

  consider(next: State, index: number, flight: number): void {
    const reader = next.readers[index]!
    const { refused = NOTHING, later = 0 } = reader.joining ?? {}
    const { token } = next.readers[flight]!
    const joining: Joining = { flight, token, stands: false, brought: NOTHING, refused, later }
    const isLater = (later & bit(flight)) > 0
    const loads = isLoading(next.readers[flight]!)
    if (isLater || (loads && this.#mutant === 'join-unproven')) join(reader, flight)
    else if (!loads) Object.assign(reader, { step: 'waits', joining })
    else {
      const earlier = this.#mutant === 'look-from-before' ? lookUnderWay(next, flight) : undefined
      Object.assign(reader, { step: earlier ? 'looked' : 'look', joining: { ...joining, ...earlier } })
    }
  }

  /** What a caller on its way into a flight may do next. */
  steps(state: State, index: number, add: Add): void {
    const { step, joining } = state.readers[index]!
    const name = `reader ${index}`
    if (step === 'look') {
      const stands = state.lease === joining!.token
      add(`${name}: RENEW, the lease ${stands ? 'stands' : 'is gone'}`, (next) => {
        Object.assign(next.readers[index]!, { step: 'looked', joining: { ...joining, stands } })
      })
    }
    if (step !== 'again') return
    const candidates = this.candidates(state, index)
    for (const flight of candidates) {
      add(`${name}: considers the flight of reader ${flight}`, (next) => this.consider(next, index, flight))
    }
    if (candidates.length === 0) add(`${name}: starts a flight`, (next) => this.fly(next, index))
  }

  /** The look's answer arrives: what the caller may be given at once, if the flight has ended meanwhile. */
  hear(next: State, index: number): number | undefined {
    const reader = next.readers[index]!
    const { flight, stands, brought, later } = reader.joining!
    const isAlive = flight !== NOTHING && (!next.readers[flight]!.poisoned || this.#mutant === 'join-poisoned')
    if (stands && isAlive) join(reader, flight)
    else if (stands && brought !== NOTHING) return brought
    else Object.assign(reader, { step: 'again', joining: { ...NOWHERE, refused: flight, later } })
    return undefined
  }

  fly(next: State, index: number): void {
    Object.assign(next.readers[index]!, { step: 'get', joining: null, startedAt: next.now })
    if (!this.#isStrict(index)) return
    for (const reader of this.#entering(next, index)) {
      reader.joining = { ...reader.joining!, later: reader.joining!.later | bit(index) }
    }
  }

  /** A load that begins now is as new as all who wait for it. */
  loadBegins(next: State, index: number): void {
    for (const reader of this.#entering(next, index)) {
      if (reader.step === 'waits' && reader.joining!.flight === index) join(reader, index)
    }
  }

  /** `brought`: NOTHING if it failed. */
  ended(next: State, index: number, brought: number): void {
    for (const reader of this.#entering(next, index)) {
      const { flight, refused, later } = reader.joining!
      const joining = { ...reader.joining!, later: later & ~bit(index), refused: refused === index ? NOTHING : refused }
      if (flight !== index) reader.joining = joining
      else if (reader.step === 'waits') {
        Object.assign(reader, { step: 'again', joining: { ...NOWHERE, later: joining.later } })
      } else {
        const isSpoiled = next.readers[index]!.poisoned && this.#mutant !== 'join-poisoned'
        reader.joining = { ...joining, flight: NOTHING, brought: isSpoiled ? NOTHING : brought }
      }
    }
  }

  #isStrict(index: number): boolean {
    return this.#scope.readers[index]!.level === 'strict'
  }

  #peers(index: number): number[] {
    const { readers } = this.#scope
    return [...readers.keys()].filter((other) => other !== index && readers[other]!.process === readers[index]!.process)
  }

  #entering({ readers }: State, index: number): Reader[] {
    return this.#peers(index).flatMap((other) => (readers[other]!.joining === null ? [] : [readers[other]!]))
  }
}

const NOWHERE: Joining = { flight: NOTHING, token: 0, stands: false, brought: NOTHING, refused: NOTHING, later: 0 }

function join(reader: Reader, flight: number): void {
  Object.assign(reader, { step: 'joined', value: flight, joining: null })
}

function isLoading({ step }: Reader): boolean {
  return step === 'load' || step === 'commit' || step === 'stored' || step === 'refused'
}

/** An answer about this flight's lease that is on its way. */
function lookUnderWay({ readers }: State, flight: number): Pick<Joining, 'stands'> | undefined {
  const asked = readers.find(({ step, joining }) => step === 'looked' && joining!.flight === flight)
  return asked && { stands: asked.joining!.stands }
}

function bit(flight: number): number {
  return 1 << flight
}
