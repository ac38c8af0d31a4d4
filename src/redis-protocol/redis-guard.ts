import { CacheError } from '../core/errors.js'
import type { Clock } from '../core/ports/clock.js'
import { Breaker, type BreakerSettings, type BreakerState } from './breaker.js'
import { caught } from './caught.js'
import type { RedisSender } from './redis-commands.js'
import { keyOf, type RedisCommand, type RedisConnection, type RedisNodes } from './redis-connection.js'
import { RedisDeadlines } from './redis-deadlines.js'
import { SLOTS, slotOf } from './redis-slot.js'

/** A node that answers nothing else is as good as gone. */
const OUT_OF_SERVICE = /^(LOADING|CLUSTERDOWN|MASTERDOWN|NOAUTH|WRONGPASS)\b/
/** How a server's own errors begin: `WRONGTYPE Operation against…`. */
const SAID_BY_SERVER = /^[A-Z][A-Z0-9_]+ /

/** What is known about one server. */
interface Guarded {
  readonly name: string
  readonly breaker: Breaker | undefined
  answeredAt: number
}

/** So long what is known of all servers holds, unless the client knows others: to see that walks over every slot. */
const NAMES_MS = 1_000

/** The name of the only node where there are no nodes. */
const ONLY = ''

/**
 * Stands between the tier and its connection: every command has a deadline, every node a breaker. A failure is a
 * connection that broke, or a node that said nothing at all for a whole deadline; one slow command is none while others
 * are answered.
 */
export class RedisGuard {
  readonly #connection: RedisConnection
  readonly #clock: Clock
  readonly #deadlines: RedisDeadlines
  readonly #breaker: BreakerSettings | undefined
  readonly #tierName: string
  readonly #nodes = new Map<string, Guarded>()
  /** The servers when the client was last seen to know them all. */
  #allNames: { readonly text: string; readonly untilMs: number } | undefined
  #closed: Error | undefined

  constructor(
    connection: RedisConnection,
    clock: Clock,
    settings: { name: string; commandTimeoutMs: number; breaker?: BreakerSettings | undefined },
  ) {
    this.#connection = connection
    this.#clock = clock
    this.#deadlines = new RedisDeadlines(clock, settings.commandTimeoutMs, settings.name)
    this.#breaker = settings.breaker
    this.#tierName = settings.name
  }

  /** For what is refused at once while its node is away. */
  get asks(): RedisSender {
    return this.#sender((node, send) =>
      this.#isUp(node) ? this.#watch(node, send()) : Promise.reject(this.#down(node)),
    )
  }

  /**
   * For what may wait for a connection, or for a node that was given up, and may be executed twice: what a client refuses
   * because its connection broke is sent once more.
   */
  get tells(): RedisSender {
    const { refusesBroken } = this.#connection
    return this.#sender((node, send) => {
      if (this.#closed) return Promise.reject(this.#closed)
      return this.#watch(node, refusesBroken ? sendOverBreak(send) : send())
    })
  }

  get isCluster(): boolean {
    return this.#connection.nodes !== undefined
  }

  /** Names of the servers: that of the only one is ''. */
  names(): readonly string[] {
    return this.#connection.nodes?.names() ?? [ONLY]
  }

  /**
   * Names of all servers, for what must look at each of them. The client of a Cluster learns them with its first
   * command, and may lose sight of one. Rejects if it does not know them all: nothing may be left out unsaid.
   */
  async everyName(): Promise<readonly string[]> {
    const { nodes } = this.#connection
    if (nodes === undefined) return [ONLY]
    const isKnown = this.#allNames?.text === nodes.names().join() && this.#clock.now() < this.#allNames.untilMs
    if (isKnown) return nodes.names()
    if (!knowsEveryNode(nodes)) await this.send(['TIME'])
    if (!knowsEveryNode(nodes)) {
      throw new CacheError('SHARED_TIER_FAILED', `Shared tier '${this.#tierName}' is not connected to every server.`)
    }
    this.#allNames = { text: nodes.names().join(), untilMs: this.#clock.now() + NAMES_MS }
    return nodes.names()
  }

  nodeOf(key: string): string {
    return this.#connection.nodes?.ofSlot(slotOf(key)) ?? ONLY
  }

  stateOf(node: string): BreakerState {
    return this.#node(node).breaker?.state ?? 'closed'
  }

  /** The worst of all servers. One without a connection is as good as given up: its calls are refused, too. */
  get worstState(): 'closed' | 'open' | 'half-open' {
    const states = this.names().map((name) => (this.#isConnected(name) ? this.stateOf(name) : 'open'))
    if (!this.#connection.isUp || states.includes('open')) return 'open'
    return states.includes('probing') ? 'half-open' : 'closed'
  }

  get onceWritten(): RedisConnection['onceWritten'] {
    return this.#connection.onceWritten
  }

  /** Refused at once while its node is away. */
  send(command: RedisCommand): Promise<unknown> {
    const node = this.#nodeFor(command)
    return this.#isUp(node) ? this.#watch(node, this.#connection.send(command)) : Promise.reject(this.#down(node))
  }

  /** A command about a node; `node` is one of `names()`. */
  async sendTo(name: string, command: RedisCommand): Promise<unknown> {
    const node = this.#node(name)
    if (!this.#isUp(node)) throw this.#down(node)
    return this.#watch(node, this.#sendTo(name, command))
  }

  /**
   * Commands on keys of one node, in one write if possible. One answer for each: its reply, the Error that came instead,
   * or a promise if it is still under way.
   */
  async sendTogether(name: string, commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    const node = this.#node(name)
    if (!this.#isUp(node)) throw this.#down(node)
    const { nodes } = this.#connection
    if (nodes === undefined || name === ONLY)
      return commands.map((command) => caught(this.#watch(node, this.#connection.send(command))))
    const sentAt = this.#clock.now()
    const answers = await this.#watch(node, nodes.sendTogether(name, commands))
    const failure = answers.find((answer) => answer instanceof Error && !isAnswer(answer))
    if (failure !== undefined) this.#note(node, failure, sentAt)
    return answers.map((answer) => (answer instanceof Promise ? caught(this.#watch(node, answer)) : answer))
  }

  /** Everything under way and to come is refused for this reason. */
  close(reason: Error): void {
    this.#closed = reason
    for (const { breaker } of this.#nodes.values()) breaker?.close()
    this.#connection.close?.(reason)
    this.#deadlines.close(reason)
  }

  #sender(via: (node: Guarded, send: () => Promise<unknown>) => Promise<unknown>): RedisSender {
    const { keepsOrder, runScript } = this.#connection
    return {
      keepsOrder,
      send: (command) => via(this.#nodeFor(command), () => this.#connection.send(command)),
      runScript: runScript && ((run) => via(this.#node(ONLY), () => runScript.call(this.#connection, run))),
    }
  }

  #nodeFor(command: RedisCommand): Guarded {
    return this.#node(this.isCluster ? this.nodeOf(keyOf(command)) : ONLY)
  }

  async #watch<T>(node: Guarded, answer: Promise<T>): Promise<T> {
    const sentAt = this.#clock.now()
    try {
      const reply = await this.#deadlines.race(answer)
      node.answeredAt = this.#clock.now()
      return reply
    } catch (error) {
      this.#note(node, error, sentAt)
      throw error
    }
  }

  #note(node: Guarded, error: unknown, sentAt: number): void {
    if (isAnswer(error)) node.answeredAt = this.#clock.now()
    else if (!isTimeout(error) || node.answeredAt < sentAt) node.breaker?.fail()
  }

  #node(name: string): Guarded {
    const known = this.#nodes.get(name)
    if (known) return known
    this.#forgetGone()
    const breaker = this.#breaker && new Breaker(this.#clock, this.#breaker, () => this.#probe(name))
    const node: Guarded = { name, breaker, answeredAt: Number.NEGATIVE_INFINITY }
    this.#nodes.set(name, node)
    return node
  }

  /** A Cluster that changes must not leave breakers behind. */
  #forgetGone(): void {
    const present = new Set(this.names())
    for (const [name, { breaker }] of this.#nodes) {
      if (present.has(name) || name === ONLY) continue
      breaker?.close()
      this.#nodes.delete(name)
    }
  }

  #isUp({ name, breaker }: Guarded): boolean {
    return breaker?.isClosed !== false && this.#closed === undefined && this.#isConnected(name)
  }

  #isConnected(name: string): boolean {
    const { nodes, isUp } = this.#connection
    return isUp && (nodes === undefined || name === ONLY || nodes.isUpNode(name))
  }

  async #probe(name: string): Promise<void> {
    if (!this.#isConnected(name)) throw this.#down(this.#node(name))
    await this.#deadlines.race(this.#sendTo(name, ['PING']))
  }

  #sendTo(name: string, command: RedisCommand): Promise<unknown> {
    const { nodes } = this.#connection
    return nodes === undefined || name === ONLY ? this.#connection.send(command) : nodes.sendTo(name, command)
  }

  #down({ name, breaker }: Guarded): Error {
    if (this.#closed) return this.#closed
    const server = name === ONLY ? '' : ` to ${name}`
    return new CacheError(
      'SHARED_TIER_FAILED',
      breaker?.isClosed !== false || !this.#isConnected(name)
        ? `Shared tier '${this.#tierName}' is not connected${server}.`
        : `Shared tier '${this.#tierName}' sends nothing${server}: it did not answer, and is being probed.`,
    )
  }
}

/** A slot that nobody serves has no keys. */
function knowsEveryNode(nodes: RedisNodes): boolean {
  const names = new Set<string | undefined>(nodes.names())
  const owners = new Set(Array.from({ length: SLOTS }, (_, slot) => nodes.ofSlot(slot)))
  owners.delete(undefined)
  return owners.size > 0 && [...owners].every((owner) => names.has(owner))
}

async function sendOverBreak(send: () => Promise<unknown>): Promise<unknown> {
  try {
    return await send()
  } catch (error) {
    if (isSaidByServer(error)) throw error
    return send()
  }
}

function isAnswer(error: unknown): boolean {
  return isSaidByServer(error) && !OUT_OF_SERVICE.test(error.message)
}

function isSaidByServer(error: unknown): error is Error {
  return error instanceof Error && !CacheError.is(error) && SAID_BY_SERVER.test(error.message)
}

function isTimeout(error: unknown): boolean {
  return CacheError.is(error) && error.code === 'SHARED_TIER_TIMEOUT'
}
