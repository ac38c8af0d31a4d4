import type { RedisCommand } from './redis-connection.js'
import type { RedisGuard } from './redis-guard.js'
import { textReply, textsReply, timeReply } from './redis-replies.js'
import { atEndOfTurn } from './turn-clock.js'

/** A batch that has so many keys is sent before its turn ends: no command of ours keeps a server busy for long. */
const MAX_KEYS = 512

export interface TextsReply {
  readonly serverNowMs: number
  /** In the order of the keys; undefined = absent. */
  readonly values: readonly (string | undefined)[]
}

/** A key of a batch that could not be read. */
class Failed {
  readonly reason: unknown
  constructor(reason: unknown) {
    this.reason = reason
  }
}

interface BatchReply {
  readonly serverNowMs: number
  /** In the order of the batch's keys. */
  readonly values: readonly (string | undefined | Failed)[]
}

/** Keys of one node that are asked for together. */
interface Batch {
  readonly node: string
  readonly keys: string[]
  /** Where a key stands in `keys`. */
  readonly places: Map<string, number>
  readonly reply: Promise<BatchReply>
  readonly settle: (reply: Promise<BatchReply>) => void
}

/**
 * Reads of one turn of the event loop share commands: one `TIME` and one `MGET` to each node, whoever asks. A read joins
 * a batch only before it is sent, so each is executed after it began, and what it returns is as new as if it had been
 * sent alone.
 */
export class RedisReads {
  readonly #guard: RedisGuard
  readonly #open = new Map<string, Batch>()
  readonly #questions = new Map<string, Promise<unknown>>()
  #endsTurn = false

  constructor(guard: RedisGuard) {
    this.#guard = guard
  }

  /** Texts under keys of any node. Of several nodes the time is that of the clock furthest ahead. */
  texts(keys: readonly string[]): Promise<TextsReply> {
    return keys.length === 1 ? this.#text(keys[0]!) : this.#many(keys)
  }

  async #many(keys: readonly string[]): Promise<TextsReply> {
    const places = keys.map((key) => this.#place(key))
    const batches = [...new Set(places.map(({ batch }) => batch))]
    const replies = new Map(await Promise.all(batches.map(async (batch) => [batch, await batch.reply] as const)))
    return {
      serverNowMs: Math.max(...[...replies.values()].map(({ serverNowMs }) => serverNowMs)),
      values: readable(places.map(({ batch, at }) => replies.get(batch)!.values[at])),
    }
  }

  #text(key: string): Promise<TextsReply> {
    const { batch, at } = this.#place(key)
    return batch.reply.then(({ serverNowMs, values }) => ({ serverNowMs, values: readable([values[at]]) }))
  }

  /** A question that several of a turn may ask in the same words; sent once, when the turn ends. */
  once(command: RedisCommand): Promise<unknown> {
    const words = command.join('\0')
    const asked = this.#questions.get(words)
    if (asked !== undefined) return asked
    const answer = new Promise<unknown>((resolve, reject) => {
      atEndOfTurn(() => {
        this.#questions.delete(words)
        this.#guard.send(command).then(resolve, reject)
      })
    })
    this.#questions.set(words, answer)
    return answer
  }

  #place(key: string): { batch: Batch; at: number } {
    const node = this.#guard.nodeOf(key)
    const batch = this.#open.get(node) ?? this.#begin(node)
    let at = batch.places.get(key)
    if (at === undefined) {
      at = batch.keys.push(key) - 1
      batch.places.set(key, at)
      if (batch.keys.length >= MAX_KEYS) this.#send(batch)
    }
    return { batch, at }
  }

  #begin(node: string): Batch {
    let settle!: (reply: Promise<BatchReply>) => void
    const reply = new Promise<BatchReply>((resolve) => {
      settle = resolve
    })
    const batch: Batch = { node, keys: [], places: new Map(), reply, settle }
    this.#open.set(node, batch)
    if (!this.#endsTurn) {
      this.#endsTurn = true
      atEndOfTurn(() => {
        this.#endsTurn = false
        for (const waiting of this.#open.values()) this.#send(waiting)
      })
    }
    return batch
  }

  #send(batch: Batch): void {
    this.#open.delete(batch.node)
    batch.settle(this.#guard.isCluster ? this.#askNode(batch) : this.#askServer(batch))
  }

  async #askServer({ keys }: Batch): Promise<BatchReply> {
    const [time, values] = await Promise.all([this.#guard.send(['TIME']), this.#guard.send(['MGET', ...keys])])
    return { serverNowMs: timeReply(time), values: textsReply(values, keys.length) }
  }

  /**
   * On Cluster each key has a command of its own, all in one write: a slot on the move refuses what names two keys, and
   * what goes wrong with one key must not fail the others.
   */
  async #askNode({ node, keys }: Batch): Promise<BatchReply> {
    const [time, replies] = await Promise.all([
      this.#guard.sendTo(node, ['TIME']),
      this.#guard.sendTogether(
        node,
        keys.map((key) => ['GET', key]),
      ),
    ])
    return { serverNowMs: timeReply(time), values: replies.map(textOf) }
  }
}

function textOf(result: PromiseSettledResult<unknown>): string | undefined | Failed {
  if (result.status === 'fulfilled') return textReply(result.value)
  return isWrongType(result.reason) ? undefined : new Failed(result.reason)
}

/** Of the values of some keys; rejects if one of them could not be read. */
function readable(values: readonly (string | undefined | Failed)[]): (string | undefined)[] {
  return values.map((value) => {
    if (value instanceof Failed) throw value.reason
    return value
  })
}

/** MGET says nothing about it: a key of another type is absent. */
function isWrongType(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('WRONGTYPE')
}
