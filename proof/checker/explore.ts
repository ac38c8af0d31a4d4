/** A step that may come next, with what is true after it. */
export interface Step<S> {
  readonly label: string
  readonly state: S
}

/** A protocol as a state machine. States are values: a step answers a new one. */
export interface Model<S> {
  readonly initial: S
  next(state: S): Step<S>[]
  /** What is wrong in a state, as a sentence; undefined = nothing. */
  fault(state: S): string | undefined
}

export type Verdict =
  | { readonly verdict: 'safe'; readonly states: number; readonly depth: number }
  | { readonly verdict: 'violated'; readonly states: number; readonly fault: string; readonly trace: readonly string[] }
  /** The bound on states was met first: nothing is known. */
  | { readonly verdict: 'unfinished'; readonly states: number }

/**
 * Visits every state that any order of steps can reach, breadth first, so that the trace of a violation is a shortest
 * one. Deterministic: the same model always gives the same verdict and trace.
 */
export function explore<S>(model: Model<S>, { maxStates = 10_000_000 } = {}): Verdict {
  const texts: string[] = [encode(model.initial)]
  const parents: number[] = [-1]
  const seen = new Set(texts)
  let frontier: { readonly state: S; readonly index: number }[] = [{ state: model.initial, index: 0 }]
  for (let depth = 0; frontier.length > 0; depth++) {
    const reached: typeof frontier = []
    for (const { state, index } of frontier) {
      for (const step of model.next(state)) {
        const fault = model.fault(step.state)
        if (fault !== undefined) {
          const trace = [...traceTo(model, texts, parents, index), step.label]
          return { verdict: 'violated', states: seen.size, fault, trace }
        }
        const text = encode(step.state)
        if (seen.has(text)) continue
        seen.add(text)
        reached.push({ state: step.state, index: texts.push(text) - 1 })
        parents.push(index)
      }
    }
    if (seen.size > maxStates) return { verdict: 'unfinished', states: seen.size }
    frontier = reached
    if (reached.length === 0) return { verdict: 'safe', states: seen.size, depth }
  }
  return { verdict: 'safe', states: seen.size, depth: 0 }
}

/**
 * A state as short text: one character for each number, flag, word and length, in the order of the fields. Two states
 * of one model have the same text iff they are equal.
 */
function encode(state: unknown): string {
  const codes: number[] = []
  append(codes, state)
  return String.fromCharCode.apply(undefined, codes)
}

/** Characters below are numbers; each word of a model has one of its own above. */
const FIRST_WORD = 0x4000
const words = new Map<unknown, number>()

function append(codes: number[], value: unknown): void {
  if (typeof value === 'number') codes.push(value + 0x2000)
  else if (Array.isArray(value)) {
    codes.push(value.length)
    for (const item of value) append(codes, item)
  } else if (typeof value === 'object' && value !== null) {
    for (const field in value) append(codes, (value as Record<string, unknown>)[field])
  } else {
    if (!words.has(value)) words.set(value, FIRST_WORD + words.size)
    codes.push(words.get(value)!)
  }
}

/** Labels are not kept for millions of states: the way to one is walked again from its parents. */
function traceTo<S>(model: Model<S>, texts: readonly string[], parents: readonly number[], last: number): string[] {
  const path: number[] = []
  for (let index = last; index > 0; index = parents[index]!) path.unshift(index)
  const labels: string[] = []
  let state = model.initial
  for (const index of path) {
    const step = model.next(state).find((one) => encode(one.state) === texts[index])!
    labels.push(step.label)
    state = step.state
  }
  return labels
}
