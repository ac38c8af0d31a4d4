import { decodeValue } from './codec.js'
import type { Envelope } from './envelope.js'
import { judgeByControl, type Namespace, softenedByControl } from './namespace.js'
import type { Clock } from './ports/clock.js'
import type { Standing } from './ports/local-tier.js'
import type { Control } from './ports/shared-tier.js'
import type { Space } from './space.js'
import type { StandardSchema } from './standard-schema.js'

/** Control blocks that are overtaken by events again and again while one entry is judged. */
const MAX_CONTROL_READS = 3

const NO_TAGS: readonly string[] = Object.freeze([])

/** `seen`: the sequence at the moment of the judgement. An invalidation may be applied before whoever awaits it goes on. */
export interface Judged {
  readonly standing: Standing
  readonly seen: number
  /** Of one that is stale by a tag: the first soft invalidation after it was born, by the shared tier's clock. */
  readonly softenedAtUs?: number
}

/**
 * How a stored entry stands: what the control block says and what is known here, the worse of the two, because the
 * block may have been read before an invalidation that this process has already acknowledged. `control`: a control block,
 * read with the clocks of the tags `asked`. Undefined: what is known does not do, one must be asked for.
 */
export function judge(
  namespace: Namespace,
  envelope: Envelope,
  control: Control | undefined,
  asked: readonly string[] = NO_TAGS,
): Judged | undefined {
  const seen = namespace.sequence
  const known = namespace.judge(envelope.epoch, envelope.born, envelope.tags)
  const said = control ? judgeByControl(envelope, control, asked) : known
  if (known === 'dead' || said === 'dead') return { standing: 'dead', seen }
  // What happened between an older block and what is known now neither of them tells.
  const isOlder = control !== undefined && known === 'unknown' && control.clock < namespace.clock
  const isUpToDate = control === undefined || (namespace.epoch === control.epoch && !isOlder)
  if (said === 'unknown' || !isUpToDate) return undefined
  if (known !== 'stale' && said !== 'stale') return { standing: said, seen }
  const ofControl = control ? softenedByControl(envelope, control, asked) : Number.POSITIVE_INFINITY
  const softenedAtUs = Math.min(namespace.softenedAtUs(envelope.born, envelope.tags), ofControl)
  return { standing: 'stale', seen, softenedAtUs }
}

/** The same by a control block that `ask` reads now. */
export async function judgeAsking(
  namespace: Namespace,
  envelope: Envelope,
  ask: (tags: readonly string[]) => Promise<Control>,
): Promise<Judged> {
  for (let attempt = 0; attempt < MAX_CONTROL_READS; attempt++) {
    const askedAt = namespace.sequence
    const control = await ask(envelope.tags)
    namespace.adopt(control, envelope.tags, askedAt)
    const judged = judge(namespace, envelope, control, envelope.tags)
    if (judged !== undefined) return judged
  }
  return { standing: 'dead', seen: namespace.sequence }
}

/** The value of an envelope, or undefined if it cannot be read or is not what the policy's schema wants. */
export function decodeBody(
  space: Space,
  envelope: Envelope,
  clock: Clock,
): Decoded | undefined | Promise<Decoded | undefined> {
  const { value: schema, hardMs } = space.policy.rules
  try {
    const value = decodeValue(envelope.codec, envelope.body)
    return schema === undefined || value === null ? { value } : checkedBy(schema, value, { hardMs, clock })
  } catch {
    return undefined
  }
}

/** What a text said. An object, because the value may be anything. */
export interface Decoded {
  readonly value: unknown
}

async function checkedBy(
  schema: StandardSchema,
  value: unknown,
  { hardMs, clock }: { hardMs: number; clock: Clock },
): Promise<Decoded | undefined> {
  try {
    const checked = await withinTime(schema['~standard'].validate(value), hardMs, clock)
    return checked === undefined || checked.issues !== undefined ? undefined : { value: checked.value }
  } catch {
    return undefined
  }
}

/** Undefined for a schema that does not settle within the time that a fill has: as good as a refusal. */
async function withinTime<T>(checking: T | Promise<T>, limitMs: number, clock: Clock): Promise<T | undefined> {
  if (!(checking instanceof Promise)) return checking
  let cancel!: () => void
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.setTimer(() => resolve(undefined), limitMs)
  })
  return Promise.race([checking, late]).finally(() => cancel())
}
