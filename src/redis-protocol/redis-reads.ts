import { Deferred } from '../core/deferred.js'
import type { UseOfFailure, UseOfOne } from '../core/ports/shared-tier.js'
import { caught } from './caught.js'
import type { RedisCommand } from './redis-connection.js'
import type { RedisGuard } from './redis-guard.js'
import { textReply, textsReply } from './redis-replies.js'
import type { RedisTimes } from './redis-times.js'
import { atEndOfTick, atEndOfTurn } from './turn-clock.js'

/** A batch that has so many keys is sent before its turn ends: no command of ours keeps a server busy for long. */
const MAX_KEYS = 512

/** From so many keys on a batch is searched for doubles, which single-flight makes rare: that costs more than a few of them. */
const SEARCHED_FROM = 64

/** So many of a batch's readers wait for one promise. */
const GROUP = 16

/** A text, undefined for one that is absent, or a promise that is late or rejects: that of a key with troubles of its own. */
type Text = string | undefined | Promise<string | undefined>

interface BatchReply {
  readonly serverNowMs: number
  /** In the order of the batch's keys. */
  readonly texts: readonly Text[]
}

/** What is made of texts, which come in the order of their keys. */
type Reading<R> = (serverNowMs: number, texts: readonly (string | undefined)[]) => R

/** Keys of one node that are asked for together. */
class Batch {
  readonly node: string
  readonly keys: string[] = []
  /** True if one of its readers must know what the server's clock shows when it answers. */
  asksTime = false
  /** What the readers wait for, in the order in which they came. */
  readonly groups: Deferred<BatchReply>[] = []
  #readers = 0
  #places: Map<string, number> | undefined

  constructor(node: string) {
    this.node = node
  }

  /** What one more reader waits for. */
  join(): Promise<BatchReply> {
    if (this.#readers++ % GROUP === 0) this.groups.push(new Deferred())
    return this.groups[this.groups.length - 1]!.promise
  }

  /** Where a key stands in `keys`. */
  place(key: string): number {
    if (this.keys.length < SEARCHED_FROM) return this.keys.push(key) - 1
    this.#places ??= new Map(this.keys.map((known, at) => [known, at]))
    const known = this.#places.get(key)
    if (known !== undefined) return known
    const at = this.keys.push(key) - 1
    this.#places.set(key, at)
    return at
  }
}

/**
 * Reads of one turn of the event loop share commands: one `MGET` to each node, whoever asks, and a `TIME` before it
 * unless the node's time is known from a moment ago. A read joins a batch only before it is sent, so each is executed
 * after it began, and what it returns is as new as if it had been sent alone.
 */
export class RedisReads {
  readonly #guard: RedisGuard
  readonly #times: RedisTimes
  /** One for each node. Replaced, never emptied: V8 would keep the batches alive that it had held. */
  #open: Batch[] = []
  readonly #questions = new Map<string, Promise<unknown>>()
  #endsTurn = false
  /** Batches that are sent and not answered yet. */
  #underWay = 0

  constructor(guard: RedisGuard, times: RedisTimes) {
    this.#guard = guard
    this.#times = times
  }

  /** What `read` makes of texts under keys of any node. Of several nodes the time is that of the clock furthest ahead. */
  async texts<R>(keys: readonly string[], read: Reading<R>): Promise<R> {
    const places = keys.map((key) => {
      const batch = this.#batchOf(key)
      batch.asksTime = true
      return { answer: batch.join(), at: this.#place(batch, key) }
    })
    const replies = await Promise.all(places.map(({ answer }) => answer))
    const texts = await Promise.all(places.map(({ at }, index) => replies[index]!.texts[at]))
    return read(Math.max(...replies.map(({ serverNowMs }) => serverNowMs)), texts)
  }

  /** What `use` makes of the text under one key, or `failed` of what went wrong: by one promise, for every hit comes by. */
  text<R>(key: string, use: UseOfOne<R>, failed: UseOfFailure<R>): Promise<R> {
    const batch = this.#batchOf(key)
    const answer = batch.join()
    const at = this.#place(batch, key)
    return answer.then(({ serverNowMs, texts }) => {
      const text = texts[at]
      return text instanceof Promise ? text.then((late) => use(late, serverNowMs), failed) : use(text, serverNowMs)
    }, failed)
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

  #place(batch: Batch, key: string): number {
    const at = batch.place(key)
    if (batch.keys.length >= MAX_KEYS) {
      this.#open = this.#open.filter((open) => open !== batch)
      this.#send(batch)
    }
    return at
  }

  #batchOf(key: string): Batch {
    const node = this.#guard.nodeOf(key)
    for (const batch of this.#open) if (batch.node === node) return batch
    const batch = new Batch(node)
    this.#open.push(batch)
    if (!this.#endsTurn) {
      this.#endsTurn = true
      atEndOfTurn(() => {
        this.#endsTurn = false
        this.#sendOpen()
      })
    }
    return batch
  }

  #sendOpen(): void {
    const open = this.#open
    this.#open = []
    for (const batch of open) this.#send(batch)
  }

  #send(batch: Batch): void {
    const { groups } = batch
    this.#underWay++
    const asked = this.#guard.isCluster ? this.#askNode(batch) : this.#askServer(batch)
    asked.then(
      (reply) => {
        this.#underWay--
        this.#handOut(groups, reply)
      },
      (error) => {
        this.#underWay--
        for (const group of groups) group.reject(error)
      },
    )
  }

  /**
   * While nothing else is under way, half of the readers are answered before the others: what they ask next is written
   * first, so that a server works on it while the others unpack what they got. Otherwise server and process would wait
   * for each other in turns. With something under way they do not, and a write of its own would cost more than it brings.
   */
  #handOut(groups: readonly Deferred<BatchReply>[], reply: BatchReply): void {
    const { onceWritten } = this.#guard
    const now = this.#underWay > 0 || onceWritten === undefined ? groups.length : Math.ceil(groups.length / 2)
    for (let at = 0; at < now; at++) groups[at]!.resolve(reply)
    if (now === groups.length) return
    const goOn = (): void => {
      for (let at = now; at < groups.length; at++) groups[at]!.resolve(reply)
    }
    atEndOfTick(() => {
      if (this.#open.length === 0) return goOn()
      this.#sendOpen()
      this.#guard.onceWritten!(goOn)
    })
  }

  async #askServer(batch: Batch): Promise<BatchReply> {
    const { keys } = batch
    const [serverNowMs, values] = await Promise.all([this.#timeFor(batch), this.#guard.send(['MGET', ...keys])])
    return { serverNowMs, texts: textsReply(values, keys.length) }
  }

  /**
   * On Cluster each key has a command of its own, all in one write: a slot on the move refuses what names two keys, and
   * what goes wrong with one key must not fail the others.
   */
  async #askNode(batch: Batch): Promise<BatchReply> {
    const { node, keys } = batch
    const [serverNowMs, answers] = await Promise.all([
      this.#timeFor(batch),
      this.#guard.sendTogether(
        node,
        keys.map((key) => ['GET', key]),
      ),
    ])
    return { serverNowMs, texts: answers.map(textOf) }
  }

  #timeFor({ node, asksTime }: Batch): number | Promise<number> {
    return (asksTime ? undefined : this.#times.known(node)) ?? this.#times.ask(node)
  }
}

function textOf(answer: unknown): Text {
  if (answer instanceof Promise) return caught(answer.then(textReply, absentIfOfOtherType))
  return answer instanceof Error ? caught(refused(answer)) : textReply(answer)
}

async function refused(error: Error): Promise<undefined> {
  return absentIfOfOtherType(error)
}

/** MGET says nothing about it: a key of another type is absent. */
function absentIfOfOtherType(error: unknown): undefined {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return undefined
  throw error
}
