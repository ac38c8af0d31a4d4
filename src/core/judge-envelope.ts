import { decodeValue } from './codec.js'
import type { Envelope } from './envelope.js'
import { judgeByControl, type Namespace } from './namespace.js'
import type { Clock } from './ports/clock.js'
import type { Standing } from './ports/local-tier.js'
import type { Control } from './ports/shared-tier.js'
import type { Space } from './space.js'

/** Control blocks that are overtaken by events again and again while one entry is judged. */
const MAX_CONTROL_READS = 4

/**
 * How a stored entry stands: what the control block says and what is known here, the worse of the two, because the
 * block may have been read before an invalidation that this process has already acknowledged. `read`: a control block
 * that came with the entry; `ask` reads one when what is known does not do. `seen` is the sequence at the moment of the
 * judgement: an invalidation may be applied before whoever awaits it goes on.
 */
export async function standingOf(
  namespace: Namespace,
  envelope: Envelope,
  read: Control | undefined,
  ask: (tags: readonly string[]) => Promise<Control>,
): Promise<{ standing: Standing; seen: number }> {
  let control = read
  let asked: readonly string[] = []
  for (let attempt = 0; attempt < MAX_CONTROL_READS; attempt++) {
    const seen = namespace.sequence
    const known = namespace.judge(envelope.epoch, envelope.born, envelope.tags)
    const said = control ? judgeByControl(envelope, control, asked) : known
    if (known === 'dead' || said === 'dead') return { standing: 'dead', seen }
    const isUpToDate = control === undefined || namespace.epoch === control.epoch
    if (said !== 'unknown' && isUpToDate) return { standing: known === 'stale' ? 'stale' : said, seen }
    asked = envelope.tags
    control = await ask(asked)
    namespace.adopt(control, asked)
  }
  return { standing: 'dead', seen: namespace.sequence }
}

/** The value of an envelope, or undefined if it cannot be read or is not what the policy's schema wants. */
export async function decodeBody(
  space: Space,
  envelope: Envelope,
  clock: Clock,
): Promise<{ value: unknown } | undefined> {
  try {
    const value = decodeValue(envelope.codec, envelope.body)
    const { value: schema, hardMs } = space.policy.rules
    if (schema === undefined || value === null) return { value }
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
